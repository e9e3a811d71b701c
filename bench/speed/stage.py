"""What the rows need before anything is timed: pictures, weights, models. What is there is kept."""

import json
import os
import shutil
import subprocess

import photos
from contestants import (
    FINIAL, NETWORKS, OURS, PYTHON, ROOT, WORK, backbone, exported, forget_features, peer, say, torch_settings, weights_of,
)

# Of twenty pictures of a class, fourteen to learn from, three for validation, three to test on.
SPLITS = ["train"] * 14 + ["validation"] * 3 + ["test"] * 3
# Pictures that are added to a folder in row (c) have numbers from here on.
ADDED = 1_000_000


def build():
    subprocess.run(["cargo", "build", "--release", "--locked", "-p", "finial"], cwd=ROOT, check=True)
    examples = ("features_per_second", "pass_seconds", "training_per_second")
    named = [part for name in examples for part in ("--example", name)]
    subprocess.run(["cargo", "build", "--release", "--locked", "-p", "finial", *named], cwd=ROOT, check=True)


def pictures(count, first=0):
    folder = WORK / "photos"
    photos.make(folder, count, first=first)
    return [photos.path_of(folder, number) for number in range(first, first + count)]


def data(count):
    """A folder of `count` pictures in splits and classes: hard links, so that it takes no room."""
    folder = WORK / f"data-{count}"
    if not folder.exists():
        say(f"{count} pictures …")
        beside = folder.with_suffix(".part")
        shutil.rmtree(beside, ignore_errors=True)
        for number, path in enumerate(pictures(count)):
            place(path, beside, SPLITS[number // len(photos.CLASSES) % len(SPLITS)])
        beside.replace(folder)
    return folder


def place(path, folder, split):
    target = folder / split / path.parent.name / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    os.link(path, target)
    return target


def add(folder, turn):
    """Ten more pictures, others in each turn."""
    return [place(path, folder, "train") for path in pictures(10, ADDED + 10 * turn)]


def pixels(count, side):
    """Decoded pictures for row (a), `[count, side, side, 3]`, the same for all programs."""
    from PIL import Image

    file = WORK / f"pixels-{count}-{side}.raw"
    if not file.exists():
        with open(file.with_suffix(".part"), "wb") as out:
            for path in pictures(count):
                out.write(Image.open(path).resize((side, side), Image.Resampling.BILINEAR).tobytes())
        file.with_suffix(".part").replace(file)
    return file


def network(name):
    """Weights, and the files that the peers read: a model that finial trained and exported."""
    weights = weights_of(name)
    if weights and not weights.exists():
        weights.parent.mkdir(parents=True, exist_ok=True)
        run(*peer("keras", "weights", name, weights))
    model = exported(name, "finial")
    if not model.exists():
        model.parent.mkdir(parents=True, exist_ok=True)
        run(FINIAL, "train", data(200), "--out", model, *backbone(name), "--epochs", 3, "-q", environment=OURS)
        forget_features()
    for kind, ending in (("onnx", "onnx"), ("keras", "keras"), ("safetensors", "safetensors")):
        if not exported(name, ending).exists():
            run(FINIAL, "export", model, "--to", kind, "--out", exported(name, ending))
    if name == "efficientnet-lite0":
        order(name)
        if not exported(name, "pt").exists():
            run(*peer("torch", "save", name, exported(name, "pt")), environment=torch_settings(name))


def order(name):
    """The backbone's tensors in running order, beside the file that holds them by name."""
    shown = subprocess.run([FINIAL, "backbones", name, "--format", "json"], capture_output=True, text=True, check=True)
    with open(exported(name, "safetensors"), "rb") as file:
        names = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    kinds = ("weight", "bias", "running_mean", "running_var")
    layers = [layer["name"] for layer in json.loads(shown.stdout)["layers"]]
    tensors = [f"{layer}.{kind}" for layer in layers for kind in kinds]
    exported(name, "order").write_text("\n".join(tensor for tensor in tensors if tensor in names))


def all_networks():
    for name in NETWORKS:
        say(f"{name} …")
        network(name)


def run(*command, environment=None):
    subprocess.run([str(part) for part in command], check=True, env=os.environ | (environment or {}))


def versions():
    """Of the peers, as installed."""
    code = (
        "import importlib.metadata as m, json;"
        "print(json.dumps({n: m.version(n) for n in ('tensorflow-cpu', 'keras', 'torch', 'timm', 'onnxruntime', 'openvino')}))"
    )
    return json.loads(subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True).stdout)
