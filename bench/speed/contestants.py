"""What is timed in each row: finial with each of its engines, and its peers."""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from program import Program

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "target" / "bench" / "speed"
PEERS = ROOT / "target" / "bench" / "peers"
FINIAL = ROOT / "target" / "release" / "finial"
FEATURES = ROOT / "target" / "release" / "examples" / "features_per_second"
PASS = ROOT / "target" / "release" / "examples" / "pass_seconds"
STEPS = ROOT / "target" / "release" / "examples" / "training_per_second"
PYTHON = PEERS / "bin" / "python"

# The networks of row (a), and the side of their pictures.
NETWORKS = {
    "vgg16": 224,
    "resnet50": 224,
    "inception-v3": 299,
    "mobilenet-v2": 224,
    "efficientnet-lite0": 224,
}
# finial's engines: what `--engine` and `--precision` are told.
ENGINES = {
    "finial, Burn": ("burn", "f32"),
    "finial, own kernels, f32": ("finial", "f32"),
    "finial, own kernels, bf16": ("finial", "bf16"),
    "finial with OpenVINO, f32": ("openvino", "f32"),
    "finial with OpenVINO, bf16": ("openvino", "bf16"),
}
# Where Burn would take as long as all others together.
FASTER = {name: choice for name, choice in ENGINES.items() if choice[0] != "burn"}
ARTICLE = "Keras, the article's program"
ONE_CORE = ", one core"
# finial looks for OpenVINO in the active Python; its features are kept apart from the user's.
OURS = {"VIRTUAL_ENV": str(PEERS), "XDG_CACHE_HOME": str(WORK / "cache")}


def peer(script, *arguments):
    return (PYTHON, "-W", "ignore", HERE / "peers" / f"{script}_peer.py", *arguments)


@cache
def has_engines():
    """Whether this build of finial can be told which engine to use."""
    shown = subprocess.run([FINIAL, "train", "--help"], capture_output=True, text=True, check=True)
    return "--engine" in shown.stdout


def engines():
    return ENGINES if has_engines() else {"finial, Burn": None}


def told(choice):
    return ("--engine", choice[0], "--precision", choice[1]) if choice else ()


def weights_of(network):
    """Random weights that Keras and finial read alike, or none where finial has its own inside."""
    return None if network == "efficientnet-lite0" else WORK / "weights" / f"{network}.weights.h5"


def backbone(network):
    weights = weights_of(network)
    return ("--backbone", network, *(("--weights", weights) if weights else ()))


def exported(network, ending):
    return WORK / "models" / f"{network}.{ending}"


def keras_network(network):
    """Keras has no EfficientNet-Lite0; it gets finial's."""
    if network == "efficientnet-lite0":
        return exported(network, "keras"), "-"
    return network, weights_of(network)


def torch_settings(network):
    return {"LITE0": str(exported(network, "safetensors"))} if network == "efficientnet-lite0" else {}


def of_features(network, pixels, seconds):
    """Row (a): decoded pictures in memory through the frozen network."""
    side = NETWORKS[network]
    weights = weights_of(network) or "-"
    ours = [
        Program(name, (FEATURES, network, weights, *choice, pixels, seconds), OURS)
        for name, choice in ENGINES.items()
    ]
    onnx = exported(network, "onnx")
    keras = keras_network(network)
    return ours + [
        Program("Keras on TensorFlow", peer("keras", "features", *keras, pixels, seconds)),
        Program("torch + timm, f32", peer("torch", "features", network, "f32", pixels, seconds)),
        Program("torch + timm, bf16", peer("torch", "features", network, "bf16", pixels, seconds)),
        Program("ONNX Runtime", peer("onnx", "features", "onnxruntime", onnx, pixels, side, seconds)),
        Program("OpenVINO, f32", peer("onnx", "features", "openvino-f32", onnx, pixels, side, seconds)),
        Program("OpenVINO, bf16", peer("onnx", "features", "openvino-bf16", onnx, pixels, side, seconds)),
    ]


def train(name, network, data, choice, before):
    """finial from a folder to a trained and evaluated head, of which nothing is kept but features."""
    model = WORK / "trained"

    def clean():
        shutil.rmtree(model, ignore_errors=True)
        before()

    command = (FINIAL, "train", data, "--out", model, *backbone(network), "--epochs", 10, "--format", "json", "-q")
    return Program(name, (*command, *told(choice)), OURS, clean)


def forget_features():
    shutil.rmtree(WORK / "cache", ignore_errors=True)


def of_training(network, data):
    """Row (b): a folder to a trained and evaluated head of 10 epochs."""
    keras = keras_network(network)
    ours = [train(name, network, data, choice, forget_features) for name, choice in engines().items()]
    return ours + [
        Program(ARTICLE, peer("keras", "article", *keras, data), slow=True),
        Program("Keras, features once", peer("keras", "once", *keras, data)),
        Program("torch + timm, features once", peer("torch", "once", network, "bf16", data), torch_settings(network)),
    ]


def of_start(image):
    """Row (d): one image, process start included."""
    network, side = "efficientnet-lite0", 224
    ours = [
        Program(name, (FINIAL, "predict", exported(network, "finial"), image, *told(choice)), OURS)
        for name, choice in engines().items()
    ]
    onnx = exported(network, "onnx")
    return ours + [
        Program("Keras on TensorFlow", peer("keras", "predict", exported(network, "keras"), image, side)),
        Program("torch + timm", peer("torch", "predict", network, exported(network, "pt"), image), torch_settings(network)),
        Program("ONNX Runtime", peer("onnx", "predict", "onnxruntime", onnx, image, side)),
        Program("OpenVINO, f32", peer("onnx", "predict", "openvino-f32", onnx, image, side)),
    ]


def of_steps(network, pixels, seconds):
    """Row (f): forward and backward through every layer."""
    weights = weights_of(network) or "-"
    return [
        Program("finial, f32", (STEPS, network, weights, "f32", pixels, seconds), OURS),
        Program("finial, bf16", (STEPS, network, weights, "bf16", pixels, seconds), OURS),
        Program("torch + timm, f32", peer("torch", "steps", network, "f32", pixels, seconds)),
        Program("torch + timm, bf16", peer("torch", "steps", network, "bf16", pixels, seconds)),
    ]


def of_passes(network, folder):
    """Row (g): photographs from their files through the frozen network, and each half alone."""
    weights = weights_of(network) or "-"
    return [Program(name, (PASS, network, weights, *choice, folder), OURS) for name, choice in FASTER.items()]


def of_cores(network, pixels, seconds):
    """Row (h): the same as finial's part of row (a), on one core and on all."""
    weights = weights_of(network) or "-"
    own = [(name, choice) for name, choice in ENGINES.items() if choice[0] == "finial"]
    return [
        Program(f"{name}{title}", (FEATURES, network, weights, *choice, pixels, seconds), OURS | threads)
        for name, choice in own
        for title, threads in ((ONE_CORE, {"RAYON_NUM_THREADS": "1"}), ("", {}))
    ]


def say(text):
    print(text, file=sys.stderr)
