"""Golden heat maps, computed by PyTorch.

    pip install torch==2.15.0 numpy
    python make_explanations.py

writes explanations.json: three small models with their weights, an image, and where each of their
answers comes from: value times gradient at the last map with places, summed over channels, negative
sums left out (HiResCAM). Checked on the way: behind a mean over the map that is Grad-CAM, and with a
linear layer alone the sum over the places is the logit less its bias.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(11)
SIDE = 12
image = torch.randint(0, 256, (3, SIDE, SIDE)).float()


def numbers(value):
    return {"shape": list(value.shape), "values": [float(f"{v:.7g}") for v in value.flatten().tolist()]}


def rounded(value):
    return torch.tensor(numbers(value)["values"]).reshape(value.shape)


def conv(x, w, stride):
    return F.conv2d(x, w["weight"], w["bias"], stride=stride, padding=1)


def explained(values, logits, sign=1.0):
    """For each logit the sums before and after the negative ones are left out."""
    found = []
    for logit in logits[0]:
        (gradient,) = torch.autograd.grad(logit * sign, values, retain_graph=True)
        found.append((values * gradient)[0].detach())
    return found


def layer(*shape, scale=0.3):
    return {"weight": rounded(torch.randn(*shape) * scale), "bias": rounded(torch.randn(shape[0]) * 0.1)}


def flat(layers):
    return {f"{name}.{part}": numbers(v) for name, parts in layers.items() for part, v in parts.items()}


start = [
    {"name": "input", "op": "input", "shape": [3, SIDE, SIDE]},
    {"name": "scaled", "op": "rescale", "scale": [1 / 64] * 3, "offset": [-2.0] * 3, "inputs": ["input"]},
]
scaled = (image / 64 - 2.0)[None]


def conv_node(name, filters, stride, before):
    return {
        "name": name, "op": "conv2d", "filters": filters, "kernel": [3, 3], "stride": [stride, stride],
        "padding": {"explicit": {"top": 1, "bottom": 1, "left": 1, "right": 1}}, "groups": 1, "bias": True, "inputs": [before],
    }


models = []

# Classes: convolutions, the mean over the map, one layer.
layers = {"conv1": layer(6, 3, 3, 3), "conv2": layer(8, 6, 3, 3), "logits": layer(3, 8, scale=0.8)}
values = F.relu(conv(F.relu(conv(scaled, layers["conv1"], 1)), layers["conv2"], 2)).requires_grad_()
logits = F.linear(values.mean((2, 3)), layers["logits"]["weight"], layers["logits"]["bias"])
products = explained(values, logits)
for unit, product in enumerate(products):
    gradient = torch.autograd.grad(logits[0, unit], values, retain_graph=True)[0]
    grad_cam = (gradient.mean((2, 3), keepdim=True) * values)[0].sum(0)
    assert torch.allclose(grad_cam, product.sum(0), atol=1e-6)
    assert torch.allclose(product.sum() + layers["logits"]["bias"][unit], logits[0, unit], atol=1e-5)
relu = lambda name, before: {"name": name, "op": "relu", "inputs": [before]}
models.append({
    "name": "mean, linear",
    "task": {"kind": "multi-class", "names": ["a", "b", "c"]},
    "graph": start + [
        conv_node("conv1", 6, 1, "scaled"), relu("relu1", "conv1"),
        conv_node("conv2", 8, 2, "relu1"), relu("relu2", "conv2"),
        {"name": "pool", "op": "global-average-pool", "inputs": ["relu2"]},
        {"name": "logits", "op": "dense", "units": 3, "inputs": ["pool"]},
        {"name": "output", "op": "softmax", "inputs": ["logits"]},
    ],
    "weights": flat(layers),
    "heat": {name: numbers(F.relu(p.sum(0))) for name, p in zip("abc", products)},
})

# Yes or no: a flattened map, channels last, and a hidden layer.
layers = {
    "conv1": layer(4, 3, 3, 3), "conv2": layer(5, 4, 3, 3),
    "hidden": layer(7, 5 * 36), "logits": layer(1, 7, scale=0.8),
}
values = F.relu(conv(F.relu(conv(scaled, layers["conv1"], 2)), layers["conv2"], 1)).requires_grad_()
vector = values.permute(0, 2, 3, 1).flatten(1)
hidden = F.relu(F.linear(vector, layers["hidden"]["weight"], layers["hidden"]["bias"]))
logits = F.linear(hidden, layers["logits"]["weight"], layers["logits"]["bias"])
(yes,) = explained(values, logits)
(no,) = explained(values, logits, sign=-1.0)
models.append({
    "name": "flattened, hidden layer",
    "task": {"kind": "binary", "names": ["no", "yes"]},
    "graph": start + [
        conv_node("conv1", 4, 2, "scaled"), relu("relu1", "conv1"),
        conv_node("conv2", 5, 1, "relu1"), relu("relu2", "conv2"),
        {"name": "pool", "op": "flatten", "order": "channels-last", "inputs": ["relu2"]},
        {"name": "hidden", "op": "dense", "units": 7, "inputs": ["pool"]}, relu("hidden_relu", "hidden"),
        {"name": "logits", "op": "dense", "units": 1, "inputs": ["hidden_relu"]},
        {"name": "output", "op": "sigmoid", "inputs": ["logits"]},
    ],
    "weights": flat(layers),
    "heat": {"no": numbers(F.relu(no.sum(0))), "yes": numbers(F.relu(yes.sum(0)))},
})

# A number: a transformer with a class token, which alone is read in the end.
width, heads, places = 8, 2, 9
layers = {
    "patches": layer(width, 3, 4, 4, scale=0.2), "norm1": layer(width), "norm": layer(width),
    "logits": layer(2, width, scale=0.8),
}
layers["norm1"]["weight"] += 1
layers["norm"]["weight"] += 1
attention = torch.nn.MultiheadAttention(width, heads, batch_first=True)
for parameter in attention.parameters():
    torch.nn.init.normal_(parameter, std=0.5)
    parameter.data = rounded(parameter.data)
token, positions = rounded(torch.randn(width)), rounded(torch.randn(places + 1, width))
patches = F.conv2d(scaled, layers["patches"]["weight"], layers["patches"]["bias"], stride=4)
tokens = patches.flatten(2).transpose(1, 2)
start_of_block = (torch.cat([token[None, None], tokens], 1) + positions).detach()
normed = F.layer_norm(start_of_block, (width,), layers["norm1"]["weight"], layers["norm1"]["bias"], eps=1e-6)
# Behind the norm: before it the products of each token add up to 0, since a norm takes no notice of size.
values = normed.detach().requires_grad_()
summed = start_of_block + attention(values, values, values)[0]
last = F.layer_norm(summed, (width,), layers["norm"]["weight"], layers["norm"]["bias"], eps=1e-6)
logits = F.linear(last[:, 0], layers["logits"]["weight"], layers["logits"]["bias"])
products = explained(values, logits)
weights = flat(layers)
weights.update({
    "cls.token": numbers(token), "pos.weight": numbers(positions),
    "attn.qkv.weight": numbers(attention.in_proj_weight), "attn.qkv.bias": numbers(attention.in_proj_bias),
    "attn.proj.weight": numbers(attention.out_proj.weight), "attn.proj.bias": numbers(attention.out_proj.bias),
})
models.append({
    "name": "class token",
    "task": {"kind": "regression", "names": ["x", "y"]},
    "graph": start + [
        {
            "name": "patches", "op": "conv2d", "filters": width, "kernel": [4, 4], "stride": [4, 4],
            "padding": {"explicit": {"top": 0, "bottom": 0, "left": 0, "right": 0}}, "groups": 1, "bias": True,
            "inputs": ["scaled"],
        },
        {"name": "rows", "op": "reshape", "shape": [width, places], "inputs": ["patches"]},
        {"name": "tokens", "op": "permute", "axes": [1, 0], "inputs": ["rows"]},
        {"name": "cls", "op": "class-token", "inputs": ["tokens"]},
        {"name": "pos", "op": "position-embedding", "inputs": ["cls"]},
        {"name": "norm1", "op": "layer-norm", "epsilon": 1e-6, "inputs": ["pos"]},
        {"name": "attn", "op": "attention", "heads": heads, "inputs": ["norm1"]},
        {"name": "sum", "op": "add", "inputs": ["pos", "attn"]},
        {"name": "norm", "op": "layer-norm", "epsilon": 1e-6, "inputs": ["sum"]},
        {"name": "first", "op": "slice", "axis": 0, "start": 0, "end": 1, "inputs": ["norm"]},
        {"name": "vector", "op": "reshape", "shape": [width], "inputs": ["first"]},
        {"name": "pool", "op": "identity", "inputs": ["vector"]},
        {"name": "logits", "op": "dense", "units": 2, "inputs": ["pool"]},
        {"name": "output", "op": "rescale", "scale": [2.0, 3.0], "offset": [1.0, 0.5], "inputs": ["logits"]},
    ],
    "weights": weights,
    "heat": {
        name: numbers(F.relu(p[1:].sum(1)).reshape(3, 3)) for name, p in zip("xy", products)
    },
})

out = {"image": {"side": SIDE, "rgb": [int(v) for v in image.permute(1, 2, 0).flatten()]}, "models": models}
pathlib.Path(__file__).with_name("explanations.json").write_text(json.dumps(out) + "\n")
