"""Steps of torch.optim.AdamW, written to adamw.json.

A weight [2, 3] and a bias [2] with given gradients; the weight decays, the bias does not, and each
has a rate of its own. Gradients are clipped with torch.nn.utils.clip_grad_norm_, whose small
addition to the norm (1e-6) is taken out so that the definition is what is compared.

Run with PyTorch: python make_adamw.py
"""

import json
import pathlib

import torch

CASES = [
    dict(name="keras", beta1=0.9, beta2=0.999, epsilon=1e-7, weight_decay=0.0, clip=None, rates=[1e-3, 1e-3]),
    dict(name="decay", beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.05, clip=None, rates=[1e-2, 1e-2]),
    dict(name="clipped", beta1=0.9, beta2=0.99, epsilon=1e-8, weight_decay=0.01, clip=0.5, rates=[1e-2, 1e-2]),
    dict(name="two rates", beta1=0.8, beta2=0.95, epsilon=1e-6, weight_decay=0.1, clip=1.0, rates=[1e-3, 3e-2]),
]
STEPS = 12


def run(case, generator):
    weight = torch.randn(2, 3, generator=generator).requires_grad_()
    bias = torch.randn(2, generator=generator).requires_grad_()
    start = [weight.detach().flatten().tolist(), bias.detach().tolist()]
    groups = [
        dict(params=[weight], lr=case["rates"][0], weight_decay=case["weight_decay"]),
        dict(params=[bias], lr=case["rates"][1], weight_decay=0.0),
    ]
    optimizer = torch.optim.AdamW(groups, betas=(case["beta1"], case["beta2"]), eps=case["epsilon"])
    gradients, norms, after = [], [], []
    for step in range(STEPS):
        scale = 10.0 ** (step % 4 - 2)
        given = [torch.randn(2, 3, generator=generator) * scale, torch.randn(2, generator=generator) * scale]
        gradients.append([g.flatten().tolist() for g in given])
        norm = torch.sqrt(sum((g.double() ** 2).sum() for g in given)).item()
        norms.append(norm)
        factor = 1.0 if case["clip"] is None else case["clip"] / max(norm, case["clip"])
        weight.grad, bias.grad = (g * factor for g in given)
        optimizer.step()
        after.append([weight.detach().flatten().tolist(), bias.detach().tolist()])
    return dict(case, start=start, gradients=gradients, norms=norms, after=after)


generator = torch.Generator().manual_seed(5)
document = {"torch": torch.__version__, "cases": [run(case, generator) for case in CASES]}
path = pathlib.Path(__file__).with_name("adamw.json")
path.write_text(json.dumps(document, indent=None) + "\n")
