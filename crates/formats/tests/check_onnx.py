"""Checks the ONNX reader and writer against ONNX Runtime and PyTorch.

Networks of others (`--torchvision`, `--timm`, the files named, and the fixtures) are read and
written by `examples/onnx`; ONNX Runtime has to compute the same from the file that came and from
the file that was written, and reading and writing once more has to change no byte. The files that
`cargo test -p finial-formats --test onnx` leaves in `target/tmp/onnx` hold every operation; they
are compared with the definition of each in PyTorch.

    python check_onnx.py --example target/debug/examples/onnx --written target/tmp/onnx \\
        --torchvision resnet18 vit_b_16 --timm vit_small_patch14_dinov2 [FILES]

Needs onnx, onnxruntime, torch; torchvision, timm and onnxscript for networks of theirs.
Tolerance: 1e-4 of the largest number, 1e-3 for files of half precision.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from onnx import numpy_helper

warnings.filterwarnings("ignore")
onnxruntime.set_default_logger_severity(3)
TOLERANCE, HALF_TOLERANCE = 1e-4, 1e-3


def run(path, image, optimised=True):
    options = onnxruntime.SessionOptions()
    if not optimised:
        level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: image})[0].astype(np.float32)


def random_input(model, seed=0):
    """What the first input of a model takes; three images where the batch is variable."""
    tensor = model.graph.input[0].type.tensor_type
    shape = [d.dim_value for d in tensor.shape.dim]
    shape = [shape[0] or 3] + [d or 1 for d in shape[1:]]
    rng = np.random.default_rng(seed)
    if tensor.elem_type == onnx.TensorProto.UINT8:
        return rng.integers(0, 256, shape).astype(np.uint8)
    kind = np.float16 if tensor.elem_type == onnx.TensorProto.FLOAT16 else np.float32
    return rng.normal(size=shape).astype(kind)


def difference(expected, found):
    found = found.reshape(expected.shape)
    return float(np.abs(expected - found).max() / np.abs(expected).max())


def round_trip(example, path, folder):
    """The difference between a file and what is written of it, and whether that is stable."""
    out, again = folder / "out.onnx", folder / "again.onnx"
    for file in (out, again):
        file.unlink(missing_ok=True)
    for source, target in ((path, out), (out, again)):
        done = subprocess.run([example, source, target], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
    onnx.checker.check_model(str(out), full_check=True)
    model = onnx.load(path)
    image = random_input(model)
    # Quantised layers are otherwise computed in whole numbers, which rounds elsewhere.
    steps = any(node.op_type == "QuantizeLinear" for node in model.graph.node)
    expected = run(path, image, optimised=not steps)
    given = image if image.dtype == np.uint8 else image.astype(np.float32)
    last = image.ndim == 4 and image.shape[3] in (1, 3) and image.shape[1] not in (1, 3)
    if last and image.dtype != np.uint8:
        given = given.transpose(0, 3, 1, 2)
    found = run(str(out), given, optimised=not steps)
    return difference(expected, found), out.read_bytes() == again.read_bytes()


def padded(x, op, value):
    """A map with what `same` or explicit padding puts around it."""
    (kh, kw), (sh, sw) = op["kernel"], op["stride"]
    dh, dw = op.get("dilation", [1, 1])
    if op["padding"] == "same":
        def both(size, kernel, stride, dilation):
            reach = (kernel - 1) * dilation + 1
            total = max((-(-size // stride) - 1) * stride + reach - size, 0)
            return total // 2, total - total // 2
        top, bottom = both(x.shape[2], kh, sh, dh)
        left, right = both(x.shape[3], kw, sw, dw)
    else:
        sides = op["padding"]["explicit"]
        top, bottom, left, right = (sides[s] for s in ("top", "bottom", "left", "right"))
    return F.pad(x, (left, right, top, bottom), value=value)


def compute(node, inputs, parameter):
    """One node of the graph by its definition."""
    op, x = node["op"], inputs[0]
    is_map = x.ndim == 4
    axis = 1 if is_map else x.ndim - 1
    per_channel = lambda v: v.reshape(-1, 1, 1) if is_map else v
    tensor = lambda values: torch.tensor(values, dtype=torch.float32)
    match op:
        case "identity" | "dropout": return x
        case "rescale": return x * per_channel(tensor(node["scale"])) + per_channel(tensor(node["offset"]))
        case "normalize":
            root = parameter("variance").sqrt().clamp(min=1e-7)
            return (x - per_channel(parameter("mean"))) / per_channel(root)
        case "reverse-channels": return x.flip(1)
        case "conv2d":
            bias = parameter("bias") if node["bias"] else None
            return F.conv2d(padded(x, node, 0.0), parameter("weight"), bias, tuple(node["stride"]),
                            0, tuple(node.get("dilation", [1, 1])), node["groups"])
        case "dense": return F.linear(x, parameter("weight"), parameter("bias"))
        case "attention":
            n, t, d = x.shape
            qkv = F.linear(x, parameter("qkv.weight"), parameter("qkv.bias"))
            q, k, v = (p.reshape(n, t, node["heads"], -1).transpose(1, 2) for p in qkv.chunk(3, -1))
            mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, d)
            return F.linear(mixed, parameter("proj.weight"), parameter("proj.bias"))
        case "class-token":
            token = parameter("token").expand(x.shape[0], 1, -1)
            return torch.cat([token, x], 1)
        case "position-embedding": return x + parameter("weight")
        case "layer-scale": return x * per_channel(parameter("gamma"))
        case "batch-norm":
            c = x.movedim(axis, 1)
            weight = parameter("weight") if node.get("scale", True) else None
            c = F.batch_norm(c, parameter("running_mean"), parameter("running_var"), weight,
                             parameter("bias"), eps=node["epsilon"])
            return c.movedim(1, axis)
        case "layer-norm":
            c = x.movedim(axis, -1)
            c = F.layer_norm(c, c.shape[-1:], parameter("weight"), parameter("bias"), node["epsilon"])
            return c.movedim(-1, axis)
        case "local-response-norm":
            return F.local_response_norm(x, node["size"], node["alpha"], node["beta"], node["bias"])
        case "relu": return F.relu(x)
        case "relu6": return F.relu6(x)
        case "clamp": return x.clamp(node["low"], node["high"])
        case "leaky-relu": return F.leaky_relu(x, node["slope"])
        case "p-relu": return torch.where(x > 0, x, x * per_channel(parameter("weight")))
        case "elu": return F.elu(x, node["alpha"])
        case "sigmoid": return torch.sigmoid(x)
        case "hard-sigmoid": return (node["slope"] * x + node["offset"]).clamp(0, 1)
        case "silu": return F.silu(x)
        case "hard-swish": return F.hardswish(x)
        case "gelu": return F.gelu(x, approximate="tanh" if node.get("approximate") else "none")
        case "tanh": return torch.tanh(x)
        case "softplus": return F.softplus(x)
        case "fake-quantize":
            steps = (x / node["scale"]).round() + node["zero_point"]
            return (steps.clamp(node["low"], node["high"]) - node["zero_point"]) * node["scale"]
        case "softmax": return torch.softmax(x, -1)
        case "add" | "multiply":
            y = inputs[1]
            if y.shape != x.shape and y.ndim == 2:
                y = y[:, :, None, None] if is_map else y.reshape(y.shape[0], *[1] * (x.ndim - 2), -1)
            return x + y if op == "add" else x * y
        case "concat": return torch.cat(inputs, node["axis"] + 1)
        case "mat-mul":
            y = inputs[1]
            return x @ (y.transpose(-1, -2) if node.get("transposed") else y)
        case "max-pool":
            return F.max_pool2d(padded(x, node, -torch.inf), node["kernel"], node["stride"])
        case "average-pool":
            kernel, stride = node["kernel"], node["stride"]
            total = F.avg_pool2d(padded(x, node, 0.0), kernel, stride)
            if node["count_padding"]:
                return total
            return total / F.avg_pool2d(padded(torch.ones_like(x), node, 0.0), kernel, stride)
        case "global-average-pool": return x.mean((2, 3) if is_map else 1)
        case "global-max-pool": return x.amax((2, 3) if is_map else 1)
        case "zero-pad":
            return F.pad(x, (node["left"], node["right"], node["top"], node["bottom"]))
        case "flatten":
            last = node.get("order") == "channels-last" and is_map
            return (x.permute(0, 2, 3, 1) if last else x).flatten(1)
        case "reshape": return x.reshape(x.shape[0], *node["shape"])
        case "permute": return x.permute(0, *[a + 1 for a in node["axes"]])
        case "slice": return x.narrow(node["axis"] + 1, node["start"], node["end"] - node["start"])
    raise NotImplementedError(op)


def definition(path):
    """The difference between a written file and its graph, computed node by node."""
    model = onnx.load(path)
    props = {entry.key: entry.value for entry in model.metadata_props}
    nodes = json.loads(props["finial.graph"])
    stored = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    image = random_input(model)
    values = {}
    for node in nodes:
        if node["op"] == "input":
            x = torch.from_numpy(image).float()
            values[node["name"]] = x.permute(0, 3, 1, 2) if image.dtype == np.uint8 else x
            continue
        turned = node["op"] == "attention" or (
            node["op"] == "dense" and values[node["inputs"][0]].ndim > 2)

        def parameter(suffix):
            value = torch.from_numpy(stored[f"{node['name']}.{suffix}"].copy())
            if turned and value.ndim == 2:
                return value.T
            # Kept with axes of 1 for broadcasting.
            return value if node["op"] in ("conv2d", "dense", "attention", "position-embedding") \
                else value.reshape(-1)

        inputs = [values[name] for name in node["inputs"]]
        values[node["name"]] = compute(node, inputs, parameter)
    return difference(values[nodes[-1]["name"]].numpy(), run(str(path), image))


def randomise(module):
    """Weights and statistics that are not zeros and ones."""
    generator = torch.Generator().manual_seed(1)
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.1, generator=generator)
            part.running_var.uniform_(0.5, 1.5, generator=generator)
    with torch.no_grad():
        for p in module.parameters():
            if p.min() == p.max():
                noise = torch.empty_like(p).normal_(0, 0.05, generator=generator)
                p.add_(noise * max(1.0, float(p.abs().max())))


def exported(name, library, folder):
    """A network of torchvision or timm by both exporters of PyTorch."""
    torch.manual_seed(0)
    if library == "timm":
        import timm
        module = timm.create_model(name, pretrained=False)
        size = module.default_cfg["input_size"][1]
    else:
        import torchvision
        aux = {"aux_logits": True, "init_weights": False} if name == "inception_v3" else {}
        module = torchvision.models.get_model(name, weights=None, **aux)
        size = 299 if name == "inception_v3" else 224
    module.eval()
    randomise(module)
    image = torch.randn(2, 3, size, size)
    traced = folder / f"{name}.traced.onnx"
    torch.onnx.export(module, image, traced, dynamo=False, opset_version=17,
                      input_names=["input"], output_names=["output"],
                      dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}})
    yield traced
    captured = folder / f"{name}.captured.onnx"
    torch.onnx.export(module, (image,), captured, dynamo=True, external_data=False, verbose=False,
                      dynamic_shapes=({0: torch.export.Dim("batch")},))
    yield captured


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--example", required=True, help="the built example `onnx`")
    arguments.add_argument("--written", type=pathlib.Path, help="the files that the tests wrote")
    arguments.add_argument("--torchvision", nargs="*", default=[])
    arguments.add_argument("--timm", nargs="*", default=[])
    arguments.add_argument("files", nargs="*", type=pathlib.Path)
    arguments = arguments.parse_args()
    fixtures = pathlib.Path(__file__).parent / "fixtures" / "onnx"
    files = [f for f in sorted(fixtures.glob("*.onnx")) if not f.stem.startswith("refused")]
    failed = 0

    def report(name, relative, stable=True, tolerance=TOLERANCE):
        nonlocal failed
        good = relative <= tolerance and stable
        failed += not good
        print(f"{'ok ' if good else 'BAD'} {name:50} {relative:.1e}"
              f"{'' if stable else ', written again differs'}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)

        def check(path):
            half = any(t.data_type == onnx.TensorProto.FLOAT16
                       for t in onnx.load(path, load_external_data=False).graph.initializer)
            try:
                relative, stable = round_trip(arguments.example, str(path), folder)
            except RuntimeError as refused:
                print(refused)
                relative, stable = float("nan"), True
            report(path.name, relative, stable, HALF_TOLERANCE if half else TOLERANCE)

        for path in [*files, *arguments.files]:
            check(path)
        for library in ("torchvision", "timm"):
            for name in getattr(arguments, library):
                for path in exported(name, library, folder):
                    check(path)
                    path.unlink()
        for path in sorted(arguments.written.glob("*.onnx")) if arguments.written else []:
            if path.stem.endswith("stripped"):
                check(path)
            else:
                report(f"{path.name}, by definition", definition(path))
    raise SystemExit(f"{failed} differ" if failed else None)


if __name__ == "__main__":
    main()
