"""Golden gradients of a small network, computed by PyTorch in double precision.

    pip install torch==2.15.0 numpy
    python make_gradients.py

writes gradients.json: the network as a graph of finial's, its parameters, an input of three
images, the logits, and the gradient of the sum of their squares with respect to each parameter
that training moves. In it are all that finial's kernels join into one step: batch norms behind
convolutions, a sum, ReLU and ReLU6, a depthwise, a strided, a dilated and a grouped convolution,
pools with padding and with zeros around the map, dense layers; and SiLU, which they do not join.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(31)
torch.set_default_dtype(torch.float64)
EPSILON = 1e-3
nodes, parameters = [], {}


def node(name, op, *inputs, **fields):
    nodes.append({"name": name, "op": op, "inputs": list(inputs), **fields})
    return name


def parameter(name, *shape, low=-0.6, high=0.6, moves=True):
    values = low + (high - low) * torch.rand(*shape)
    values = (values * 1e4).round() / 1e4
    parameters[name] = values.requires_grad_(moves)
    return parameters[name]


def convolution(name, x, channels, filters, kernel, stride=1, padding=0, dilation=1, groups=1, bias=False):
    value, source = x
    weight = parameter(f"{name}.weight", filters, channels // groups, kernel, kernel)
    biases = parameter(f"{name}.bias", filters) if bias else None
    explicit = {"explicit": dict.fromkeys(("top", "bottom", "left", "right"), padding)}
    node(
        name, "conv2d", source, filters=filters, kernel=[kernel] * 2, stride=[stride] * 2, padding=explicit,
        dilation=[dilation] * 2, groups=groups, bias=bias,
    )
    return F.conv2d(value, weight, biases, stride, padding, dilation, groups), name


def norm(name, x, channels):
    value, source = x
    weight, bias = parameter(f"{name}.weight", channels, low=0.5, high=1.5), parameter(f"{name}.bias", channels)
    mean = parameter(f"{name}.running_mean", channels, moves=False)
    variance = parameter(f"{name}.running_var", channels, low=0.5, high=1.5, moves=False)
    node(name, "batch-norm", source, epsilon=EPSILON, scale=True)
    return F.batch_norm(value, mean, variance, weight, bias, eps=EPSILON), name


def pool(name, op, x, kernel, padding, function, **fields):
    value, source = x
    explicit = {"explicit": dict.fromkeys(("top", "bottom", "left", "right"), padding)}
    node(name, op, source, kernel=[kernel] * 2, stride=[1, 1], padding=explicit, **fields)
    return function(value, kernel, 1, padding), name


def zeros(name, x, count):
    value, source = x
    return F.pad(value, [count] * 4), node(name, "zero-pad", source, top=count, bottom=count, left=count, right=count)


def plain(op, x, function):
    value, source = x
    return function(value), node(f"{source}_{op}", op, source)


def dense(name, x, features, units):
    value, source = x
    weight, bias = parameter(f"{name}.weight", units, features), parameter(f"{name}.bias", units)
    node(name, "dense", source, units=units)
    return F.linear(value, weight, bias), name


images = (torch.rand(3, 3, 9, 8) * 1e4).round() / 1e4
nodes.append({"name": "input", "op": "input", "shape": [3, 9, 8]})
x = plain("relu6", norm("stem_norm", convolution("stem", (images, "input"), 3, 8, 3, stride=2, padding=1), 8), F.relu6)
x = pool("largest", "max-pool", x, 3, 1, F.max_pool2d)
wide = plain("relu", norm("expand_norm", convolution("expand", x, 8, 16, 1), 16), F.relu)
deep = norm("depth_norm", convolution("depth", wide, 16, 16, 3, padding=1, groups=16), 16)
narrow = convolution("project", deep, 16, 8, 1, bias=True)
added = narrow[0] + x[0], node("added", "add", narrow[1], x[1])
y = plain("relu", added, F.relu)
y = convolution("grouped", y, 8, 12, 3, padding=2, dilation=2, groups=2, bias=True)
y = plain("silu", y, F.silu)
y = pool("above_zero", "max-pool", zeros("zeros", y, 1), 3, 0, F.max_pool2d)
y = pool("mean", "average-pool", y, 2, 0, F.avg_pool2d, count_padding=False)
y = pool("mean_with_zeros", "average-pool", y, 3, 1, F.avg_pool2d, count_padding=True)
y = y[0].mean((2, 3)), node("pool", "global-average-pool", y[1])
y = plain("relu", dense("hidden", y, 12, 10), F.relu)
logits, _ = dense("logits", y, 10, 3)
logits.square().sum().backward()


def numbers(value):
    return {"shape": list(value.shape), "values": [float(f"{v:.7g}") for v in value.flatten().tolist()]}


golden = {
    "nodes": nodes,
    "parameters": {name: numbers(value) for name, value in parameters.items()},
    "input": numbers(images),
    "logits": numbers(logits),
    "gradients": {name: numbers(value.grad) for name, value in parameters.items() if value.requires_grad},
}
target = pathlib.Path(__file__).with_name("gradients.json")
target.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
print(target.stat().st_size, "bytes;", float(logits.square().sum()))
