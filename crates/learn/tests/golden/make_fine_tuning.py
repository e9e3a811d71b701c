"""A golden fine-tuning: thirty steps of a small network with its head, by PyTorch in double precision.

    pip install torch==2.15.0
    python make_fine_tuning.py

writes fine_tuning.json: the weights before the first step, images and classes to learn from and to judge
by, the loss of each step and after it, and the weights at the end. The network is that of the test
`fine_tuning_goes_the_way_of_pytorch`: a stem, a block with an ordinary convolution, one with a depthwise
one, batch norms in inference mode, mean, a hidden layer. AdamW with weight decay on the factors of
convolutions and dense layers only, a rate for each block, warm-up and cosine, gradients clipped.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(5)
torch.set_default_dtype(torch.float64)
STEPS, RATE, LEAST, HEAD, WARMUP, DECAY, CLIP = 30, 2e-2, 0.1, 3.0, 0.1, 0.05, 0.5
CLASSES, WIDE = 3, 6
parameters, rates = {}, {}


def parameter(name, block, *shape, low=-0.6, high=0.6, moves=True):
    values = low + (high - low) * torch.rand(*shape)
    parameters[name] = ((values * 1e4).round() / 1e4).requires_grad_(moves)
    if moves:
        rates[name] = HEAD * RATE if block is None else RATE * LEAST ** (1 - block / 2)


def norm(name, block):
    parameter(f"{name}.weight", block, WIDE, low=0.5, high=1.5)
    parameter(f"{name}.bias", block, WIDE)
    parameter(f"{name}.running_mean", block, WIDE, moves=False)
    parameter(f"{name}.running_var", block, WIDE, low=0.5, high=1.5, moves=False)


parameter("stem.weight", 0, WIDE, 3, 3, 3)
norm("stem_norm", 0)
parameter("block1_conv.weight", 1, WIDE, WIDE, 3, 3)
norm("block1_norm", 1)
parameter("block2_conv.weight", 2, WIDE, 1, 3, 3)
norm("block2_norm", 2)
parameter("hidden.weight", None, 5, WIDE)
parameter("hidden.bias", None, 5)
parameter("logits.weight", None, CLASSES, 5)
parameter("logits.bias", None, CLASSES)


def normalised(name, x):
    of = [parameters[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
    return F.batch_norm(x, *of, eps=1e-3)


def logits(x):
    of = parameters
    x = F.relu6(normalised("stem_norm", F.conv2d(x, of["stem.weight"], padding=1)))
    x = x + F.relu(normalised("block1_norm", F.conv2d(x, of["block1_conv.weight"], padding=1)))
    x = x + F.relu(normalised("block2_norm", F.conv2d(x, of["block2_conv.weight"], padding=1, groups=WIDE)))
    x = F.relu(F.linear(x.mean((2, 3)), of["hidden.weight"], of["hidden.bias"]))
    return F.linear(x, of["logits.weight"], of["logits.bias"])


def examples(count):
    images = (torch.rand(count, 3, 5, 5) * 1e4).round() / 1e4
    return images, torch.arange(count) % CLASSES


def numbers(values):
    return [float(f"{v:.9g}") for v in values.detach().flatten().tolist()]


train = examples(12)
# Some of the same: their loss falls to the end, so the weights that are kept are the last ones.
validation = tuple(part[:7] for part in train)
before = {name: numbers(value) for name, value in parameters.items()}
groups = [
    {"params": [parameters[name]], "rate": rate, "weight_decay": DECAY if parameters[name].ndim > 1 else 0.0}
    for name, rate in rates.items()
]
adam = torch.optim.AdamW(groups, eps=1e-7)
up = round(WARMUP * STEPS)
losses = []
for step in range(STEPS):
    along = math.pi * (step - up) / (STEPS - up)
    for group in adam.param_groups:
        group["lr"] = group["rate"] * ((step + 1) / up if step < up else 0.5 * (1 + math.cos(along)))
    adam.zero_grad()
    loss = F.cross_entropy(logits(train[0]), train[1])
    loss.backward()
    torch.nn.utils.clip_grad_norm_([parameters[name] for name in rates], CLIP)
    adam.step()
    with torch.no_grad():
        after = F.cross_entropy(logits(validation[0]), validation[1])
    losses.append([float(f"{value:.9g}") for value in (loss.item(), after.item())])

best = min(range(STEPS), key=lambda step: losses[step][1])
assert best == STEPS - 1, f"the weights kept are those of step {best}: take another part"
golden = {
    "settings": {
        "steps": STEPS, "rate": RATE, "warmup": WARMUP, "weight_decay": DECAY, "clip": CLIP,
    },
    "before": before,
    "after": {name: numbers(parameters[name]) for name in parameters},
    "train": {"images": numbers(train[0]), "classes": train[1].tolist()},
    "validation": {"images": numbers(validation[0]), "classes": validation[1].tolist()},
    "losses": losses,
}
target = pathlib.Path(__file__).with_name("fine_tuning.json")
target.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
print(target.stat().st_size, "bytes;", losses[0], losses[-1])
