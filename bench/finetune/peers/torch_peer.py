#!/usr/bin/env python3
"""PyTorch with timm's tf_efficientnet_lite0, on finial's weights.

    torch_peer.py WEIGHTS.safetensors TABLE head|last-block|all EPOCHS SEED
"""

import copy
import sys
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

import plan


def network(file):
    """timm's network with finial's tensors, and finial's name of each parameter."""
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)
    tensors, names = load_file(file), Path(file).with_suffix(".order").read_text().split()
    own = [name for name in model.state_dict() if "num_batches" not in name]
    model.load_state_dict({name: tensors[stored] for name, stored in zip(own, names, strict=True)}, strict=False)
    return model.eval(), dict(zip(own, names))


def divided(model, way):
    """What stays frozen, and what is trained."""
    front = [model.conv_stem, model.bn1]
    blocks = [(f"blocks.{stage}.{at}", block) for stage, stages in model.blocks.named_children()
              for at, block in stages.named_children()]
    layers = front + [block for _, block in blocks] + [model.conv_head, model.bn2]
    cut = {"all": 0, "last-block": len(front) + plan.RESIDUAL[-1], "head": len(layers)}[way]
    return nn.Sequential(*layers[:cut]), nn.Sequential(*layers[cut:])


class Head(nn.Sequential):
    def __init__(self, features, units):
        super().__init__(
            nn.Dropout(plan.DROPOUT), nn.Linear(features, plan.HIDDEN), nn.ReLU(), nn.Linear(plan.HIDDEN, units)
        )
        for layer in (self[1], self[3]):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)


def loss_of(task, logits, targets):
    if task == "multi-class":
        return F.cross_entropy(logits, targets[:, 0].long())
    return F.binary_cross_entropy_with_logits(logits, targets)


def run(model, images):
    with torch.inference_mode():
        return torch.cat([model(part) for part in images.split(plan.BATCH)])


def train_head(task, units, features, targets):
    """Until the validation loss has not fallen for some epochs; gives the best."""
    head = Head(features[0].shape[1], units)
    adam = torch.optim.Adam(head.parameters(), plan.HEAD_RATE, eps=plan.EPSILON)
    best, lowest, since = None, float("inf"), 0
    for _ in range(plan.HEAD_EPOCHS):
        head.train()
        for rows in torch.randperm(len(features[0])).split(plan.BATCH):
            adam.zero_grad()
            loss_of(task, head(features[0][rows]), targets[0][rows]).backward()
            adam.step()
        loss = loss_of(task, run(head.eval(), features[1]), targets[1]).item()
        since += 1
        if loss < lowest:
            best, lowest, since = copy.deepcopy(head), loss, 0
        if since > plan.HEAD_PATIENCE:
            break
    return best


def tune(task, tail, names, head, seen, targets, epochs):
    """The best network of the epochs, the head alone being epoch 0."""
    model = nn.Sequential(tail, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
    factors = {id(m.weight) for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))}
    groups = []
    for parameter in model.parameters():
        rate = plan.rate_of(names[id(parameter)]) if id(parameter) in names else plan.HEAD_TIMES * plan.RATE
        decay = plan.DECAY if id(parameter) in factors else 0.0
        groups.append({"params": [parameter], "rate": rate, "weight_decay": decay})
    adam = torch.optim.AdamW(groups, eps=plan.EPSILON)
    steps, step, curve, best = epochs * -(-len(seen[0]) // plan.BATCH), 0, [], None
    for epoch in range(epochs + 1):
        for rows in torch.randperm(len(seen[0])).split(plan.BATCH) if epoch else ():
            # Batch norms stay as they are; of all layers only the head drops anything.
            model.eval()
            head.train()
            for group in adam.param_groups:
                group["lr"] = group["rate"] * plan.factor(step, steps)
            adam.zero_grad()
            loss_of(task, model(seen[0][rows]), targets[0][rows]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), plan.CLIP)
            adam.step()
            step += 1
        logits = run(model.eval(), seen[1]).numpy()
        curve.append(plan.calibrated_loss(task, logits, targets[1].numpy()))
        if min(curve) == curve[-1]:
            best = epoch, copy.deepcopy(model)
    return *best, curve


def main(weights, table, way, epochs, seed):
    torch.manual_seed(int(seed))
    task, count, parts = plan.read(table)
    targets = [torch.from_numpy(targets) for _, targets in parts]
    images = [(torch.from_numpy(images).permute(0, 3, 1, 2).float() - 127) / 128 for images, _ in parts]
    model, stored = network(weights)
    names = {id(parameter): stored[name] for name, parameter in model.named_parameters()}
    frozen, tail = divided(model, way)
    seen = [run(frozen, part.to(memory_format=torch.channels_last)) for part in images]
    pooled = [run(tail, part).mean((2, 3)) for part in seen]
    head = train_head(task, plan.units(task, count), pooled, targets)
    if way == "head":
        plan.report(task, parts[2][1], run(head.eval(), pooled[2]).numpy(), 0, [])
        return
    # `inference_mode` leaves tensors that no gradient can be recorded from.
    seen = [part.clone() for part in seen]
    best, model, curve = tune(task, tail, names, head, seen, targets, int(epochs))
    plan.report(task, parts[2][1], run(model.eval(), seen[2]).numpy(), best, curve)


if __name__ == "__main__":
    main(*sys.argv[1:])
