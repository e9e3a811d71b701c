"""Golden values of single operations, computed by PyTorch.

    pip install torch==2.15.0 numpy
    python make_operations.py

writes operations.json: for each case the operation as the graph writes it, its inputs and
parameters, and what PyTorch makes of them. Inputs are channels-first and without the batch.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(20)
cases = []


def tensor(*shape, scale=1.0):
    return torch.randn(*shape) * scale


def numbers(value):
    return {"shape": list(value.shape), "values": [float(f"{v:.7g}") for v in value.flatten().tolist()]}


def case(name, op, inputs, result, **parameters):
    inputs = inputs if isinstance(inputs, list) else [inputs]
    cases.append({
        "name": name,
        "op": op,
        "inputs": [numbers(x) for x in inputs],
        "parameters": {key.replace("__", "."): numbers(value) for key, value in parameters.items()},
        "result": numbers(result),
    })


x = tensor(4, 5, 6)
wide = tensor(4, 5, 6, scale=20.0)
v = tensor(6)
t = tensor(3, 8)

one = lambda f, value: f(value.unsqueeze(0)).squeeze(0)

for name, op, function in [
    ("relu", {"op": "relu"}, F.relu),
    ("relu6", {"op": "relu6"}, F.relu6),
    ("clamp", {"op": "clamp", "low": -0.5, "high": 1.5}, lambda x: x.clamp(-0.5, 1.5)),
    ("leaky-relu", {"op": "leaky-relu", "slope": 0.2}, lambda x: F.leaky_relu(x, 0.2)),
    ("elu", {"op": "elu", "alpha": 1.3}, lambda x: F.elu(x, 1.3)),
    ("sigmoid", {"op": "sigmoid"}, torch.sigmoid),
    ("hard-sigmoid", {"op": "hard-sigmoid", "slope": 1 / 6, "offset": 0.5}, F.hardsigmoid),
    ("silu", {"op": "silu"}, F.silu),
    ("hard-swish", {"op": "hard-swish"}, F.hardswish),
    ("gelu", {"op": "gelu"}, F.gelu),
    ("gelu by tanh", {"op": "gelu", "approximate": True}, lambda x: F.gelu(x, approximate="tanh")),
    ("tanh", {"op": "tanh"}, torch.tanh),
    ("softplus", {"op": "softplus"}, F.softplus),
]:
    for size, value in [("a map", x), ("large numbers", wide), ("a vector", v), ("tokens", t)]:
        case(f"{name} of {size}", op, value, function(value))

quantized = tensor(40, scale=2.0)
halves = torch.tensor([0.25, 0.75, 1.25, -0.25, -0.75])
for name, value in [("numbers", quantized), ("halves", halves)]:
    case(
        f"fake-quantize of {name}",
        {"op": "fake-quantize", "scale": 0.5, "zero_point": 3.0, "low": 0.0, "high": 7.0},
        value,
        torch.fake_quantize_per_tensor_affine(value, 0.5, 3, 0, 7),
    )

for shape in [(6,), (3, 6), (2, 3, 6), (2, 2, 3, 6)]:
    value = tensor(*shape)
    case(f"softmax of {len(shape)} axes", {"op": "softmax"}, value, F.softmax(value, -1))

slope = tensor(4).abs()
case("prelu of a map", {"op": "p-relu"}, x, one(lambda x: F.prelu(x, slope), x), weight=slope)
slope = tensor(8).abs()
case("prelu of tokens", {"op": "p-relu"}, t, torch.where(t > 0, t, t * slope), weight=slope)

for dilation, groups, stride in [(1, 1, 2), (2, 1, 1), (1, 2, 1), (2, 4, 2)]:
    weight, bias = tensor(4, 4 // groups, 3, 3), tensor(4)
    result = F.conv2d(F.pad(x.unsqueeze(0), (1, 2, 2, 0)), weight, bias, stride, 0, dilation, groups)
    case(
        f"conv2d, dilation {dilation}, groups {groups}, stride {stride}",
        {
            "op": "conv2d", "filters": 4, "kernel": [3, 3], "stride": [stride] * 2,
            "padding": {"explicit": {"top": 2, "bottom": 0, "left": 1, "right": 2}},
            "dilation": [dilation] * 2, "groups": groups, "bias": True,
        },
        x, result.squeeze(0), weight=weight, bias=bias,
    )

negative = -tensor(2, 5, 5).abs() - 1
around = {"explicit": {"top": 1, "bottom": 1, "left": 1, "right": 1}}
pool = {"kernel": [3, 3], "stride": [2, 2], "padding": around}
case("max-pool of negative numbers", {"op": "max-pool", **pool}, negative, one(lambda x: F.max_pool2d(x, 3, 2, 1), negative))
for count in [True, False]:
    case(
        f"average-pool, padding counted: {count}",
        {"op": "average-pool", "count_padding": count, **pool},
        x, one(lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=count), x),
    )
# TensorFlow's "same": one more below and right, and means of what is there.
padded = F.pad(x.unsqueeze(0), (0, 1, 0, 0))
ones = F.pad(torch.ones_like(x).unsqueeze(0), (0, 1, 0, 0))
mean = F.avg_pool2d(padded, (1, 2), (1, 1)) / F.avg_pool2d(ones, (1, 2), (1, 1))
case(
    "average-pool, same",
    {"op": "average-pool", "kernel": [1, 2], "stride": [1, 1], "padding": "same", "count_padding": False},
    x, mean.squeeze(0),
)

case("global-average-pool of a map", {"op": "global-average-pool"}, x, x.mean((1, 2)))
case("global-average-pool of tokens", {"op": "global-average-pool"}, t, t.mean(0))
case("global-max-pool of a map", {"op": "global-max-pool"}, x, x.amax((1, 2)))
case("global-max-pool of tokens", {"op": "global-max-pool"}, t, t.amax(0))
case("zero-pad", {"op": "zero-pad", "top": 1, "bottom": 2, "left": 0, "right": 3}, x, F.pad(x, (0, 3, 1, 2)))
case("flatten, channels first", {"op": "flatten"}, x, x.flatten())
case("flatten, channels last", {"op": "flatten", "order": "channels-last"}, x, x.permute(1, 2, 0).flatten())
case("reshape", {"op": "reshape", "shape": [10, 12]}, x, x.reshape(10, 12))
case("permute", {"op": "permute", "axes": [2, 0, 1]}, x, x.permute(2, 0, 1))
case("slice", {"op": "slice", "axis": 1, "start": 1, "end": 4}, x, x[:, 1:4])
case("reverse-channels", {"op": "reverse-channels"}, x, x.flip(0))
case("rescale", {"op": "rescale", "scale": [1.0, 2.0, -1.0, 0.5], "offset": [0.0, 1.0, 2.0, 3.0]}, x,
     x * torch.tensor([1.0, 2.0, -1.0, 0.5])[:, None, None] + torch.tensor([0.0, 1.0, 2.0, 3.0])[:, None, None])

mean, variance = tensor(4), tensor(4).abs()
case("normalize", {"op": "normalize"}, x, (x - mean[:, None, None]) / variance.sqrt()[:, None, None], mean=mean, variance=variance)
weight, bias = tensor(4), tensor(4)
norm = lambda w: one(lambda x: F.batch_norm(x, mean, variance, w, bias, eps=1e-3), x)
statistics = {"bias": bias, "running_mean": mean, "running_var": variance}
case("batch-norm", {"op": "batch-norm", "epsilon": 1e-3}, x, norm(weight), weight=weight, **statistics)
case("batch-norm without scale", {"op": "batch-norm", "epsilon": 1e-3, "scale": False}, x, norm(None), **statistics)
case("layer-norm of a map", {"op": "layer-norm", "epsilon": 1e-6}, x,
     F.layer_norm(x.permute(1, 2, 0), (4,), weight, bias, 1e-6).permute(2, 0, 1), weight=weight, bias=bias)
weight, bias = tensor(8), tensor(8)
case("layer-norm of tokens", {"op": "layer-norm", "epsilon": 1e-6}, t, F.layer_norm(t, (8,), weight, bias, 1e-6), weight=weight, bias=bias)
wide = tensor(7, 3, 3)
case("local-response-norm", {"op": "local-response-norm", "size": 5, "alpha": 0.3, "beta": 0.75, "bias": 2.0},
     wide, one(lambda x: F.local_response_norm(x, 5, 0.3, 0.75, 2.0), wide))

y = tensor(4, 5, 6)
gate = tensor(4)
case("add", {"op": "add"}, [x, y], x + y)
case("add to channels", {"op": "add"}, [x, gate], x + gate[:, None, None])
case("multiply", {"op": "multiply"}, [x, y], x * y)
case("multiply channels", {"op": "multiply"}, [x, gate.reshape(4, 1, 1)], x * gate[:, None, None])
case("multiply channels of tokens", {"op": "multiply"}, [t, bias], t * bias)
case("concat channels", {"op": "concat", "axis": 0}, [x, y], torch.cat([x, y], 0))
case("concat columns", {"op": "concat", "axis": 2}, [x, y, x], torch.cat([x, y, x], 2))
case("mat-mul", {"op": "mat-mul"}, [x[:2, :3, :4].contiguous(), y[:2, :4, :5].contiguous()], x[:2, :3, :4] @ y[:2, :4, :5])
case("mat-mul transposed", {"op": "mat-mul", "transposed": True}, [x, y], x @ y.transpose(1, 2))

weight, bias = tensor(5, 8), tensor(5)
case("dense of tokens", {"op": "dense", "units": 5}, t, F.linear(t, weight, bias), weight=weight, bias=bias)
token = tensor(8)
case("class-token", {"op": "class-token"}, t, torch.cat([token[None], t]), token=token)
positions = tensor(3, 8)
case("position-embedding", {"op": "position-embedding"}, t, t + positions, weight=positions)
gamma = tensor(8)
case("layer-scale of tokens", {"op": "layer-scale"}, t, t * gamma, gamma=gamma)
gamma = tensor(4)
case("layer-scale of a map", {"op": "layer-scale"}, x, x * gamma[:, None, None], gamma=gamma)

attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)
torch.nn.init.normal_(attention.in_proj_bias)
torch.nn.init.normal_(attention.out_proj.bias)
with torch.no_grad():
    result = one(lambda t: attention(t, t, t)[0], t)
    case(
        "attention", {"op": "attention", "heads": 2}, t, result,
        qkv__weight=attention.in_proj_weight, qkv__bias=attention.in_proj_bias,
        proj__weight=attention.out_proj.weight, proj__bias=attention.out_proj.bias,
    )

target = pathlib.Path(__file__).with_name("operations.json")
target.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
print(len(cases), "cases", target.stat().st_size, "bytes")
