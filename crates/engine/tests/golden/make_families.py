"""Writes families.json: some features of one network of each family and publisher, as the library
that publishes it computes them.

    python3 -m venv venv
    venv/bin/pip install -r ../../../graph/tests/golden/requirements.txt
    venv/bin/python make_families.py

Weights are not stored: each number follows from the name of its parameter in finial and its place
in it, as does the image (`drawn`, `image`; families.rs has the same). `make parity` compares all
networks, with weights that are nearer to trained ones.
"""

import json
import os
import pathlib
import re
import unittest.mock

os.environ["KERAS_BACKEND"] = "torch"

import keras  # noqa: E402
import numpy  # noqa: E402
import timm  # noqa: E402
import torch  # noqa: E402
import torchvision  # noqa: E402
from keras.src.applications import imagenet_utils  # noqa: E402
from keras.src.utils import file_utils  # noqa: E402

OUTPUT = pathlib.Path(__file__).parent / "families.json"
# Features that are kept of each network.
KEPT = 32

nets = keras.applications
# Constructor, whose preprocessing, size of the image, and the layer that a new head reads.
KERAS = {
    "vgg16": (nets.VGG16, nets.vgg16, 64, "block5_pool"),
    "resnet50": (nets.ResNet50, nets.resnet, 64, "conv5_block3_out"),
    "resnet50v2": (nets.ResNet50V2, nets.resnet_v2, 64, "post_relu"),
    "inception-v3": (nets.InceptionV3, nets.inception_v3, 75, "mixed10"),
    "xception": (nets.Xception, nets.xception, 75, "block14_sepconv2_act"),
    "mobilenet": (nets.MobileNet, nets.mobilenet, 64, "conv_pw_13_relu"),
    "mobilenet-v2": (nets.MobileNetV2, nets.mobilenet_v2, 64, "out_relu"),
    "mobilenet-v3-small": (nets.MobileNetV3Small, nets.mobilenet_v3, 64, "activation_17"),
    "densenet121": (nets.DenseNet121, nets.densenet, 64, "relu"),
    "efficientnet-b0": (nets.EfficientNetB0, nets.efficientnet, 64, "top_activation"),
    "convnext-tiny": (nets.ConvNeXtTiny, nets.convnext, 64, "convnext_tiny_head_layernorm"),
}


def part(*names):
    """The modules of those names, one after the other."""

    def features(model, value):
        for name in names:
            value = model.get_submodule(name)(value)
        return value

    return features


def node(name):
    extract = torchvision.models.feature_extraction.create_feature_extractor
    return lambda model, value: extract(model, [name])(value)[name]


# Constructor, size of the image, and what a new head reads.
TORCHVISION = {
    "resnet18": ("resnet18", 64, node("layer4")),
    "resnet50-torchvision": ("resnet50", 64, node("layer4")),
    "inception-v3-torchvision": ("inception_v3", 75, node("Mixed_7c.cat_2")),
    "mobilenet-v2-torchvision": ("mobilenet_v2", 64, part("features")),
    "mobilenet-v3-small-torchvision": ("mobilenet_v3_small", 64, part("features")),
    "densenet121-torchvision": ("densenet121", 64, node("relu")),
    "squeezenet1.1": ("squeezenet1_1", 64, part("features")),
    "efficientnet-b0-torchvision": ("efficientnet_b0", 64, part("features")),
    "convnext-tiny-torchvision": (
        "convnext_tiny", 64, part("features", "avgpool", "classifier.0"),
    ),
}
TIMM = {"vit-small-16": "vit_small_patch16_224"}

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def image(size):
    """8-bit, `[1, size, size, 3]`."""
    y, x, c = numpy.indices((size, size, 3))
    return ((x * x * (c + 1) + y * 7 * (c + 2) + x * y) % 256)[None].astype(numpy.uint8)


def drawn(name, shape):
    """The numbers of a parameter: a hash of its name and of each place, in a range that keeps
    what passes through a network neither dead nor huge."""
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = (seed ^ byte) * 0x01000193 % 2**32
    with numpy.errstate(over="ignore"):
        x = numpy.arange(numpy.prod(shape), dtype=numpy.uint32) * numpy.uint32(0x9E3779B9)
        x += numpy.uint32(seed)
        x ^= x >> numpy.uint32(16)
        x *= numpy.uint32(0x85EBCA6B)
        x ^= x >> numpy.uint32(13)
        x *= numpy.uint32(0xC2B2AE35)
        x ^= x >> numpy.uint32(16)
    low, high = reach(name, shape)
    return (low + (high - low) * (x / 2**32)).astype(numpy.float32).reshape(shape)


def reach(name, shape):
    if name.endswith(("running_var", "variance", "gamma")):
        return 0.5, 1.5
    if name.endswith("weight") and len(shape) == 1:
        # Small, so that many blocks that add to their input do not multiply an error.
        return 0.4, 0.7
    if name.endswith("weight"):
        reach = 1.3 * (3 / numpy.prod(shape[1:])) ** 0.5
        return -reach, reach
    return -0.2, 0.2


# ---------------------------------------------------------------- Keras

PARAMETERS = {
    "beta": "bias",
    "depthwise_kernel": "depthwise.weight",
    "gamma": "weight",
    "kernel": "weight",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
    "pointwise_kernel": "weight",
}


def keras_features(constructor, module, size, features):
    """Built as for the published weights, which in some families has layers of its own for them;
    any size goes with the classifier."""
    keras.backend.clear_session()
    nothing = unittest.mock.Mock()
    any_size = lambda input_shape, **_: input_shape
    with (
        unittest.mock.patch.object(imagenet_utils, "obtain_input_shape", any_size),
        unittest.mock.patch.object(file_utils, "get_file", nothing),
        unittest.mock.patch.object(keras.Model, "load_weights", nothing),
    ):
        model = constructor(weights="imagenet", input_shape=(size, size, 3))
    for layer in model._flatten_layers(include_self=False):
        kind = type(layer).__name__
        if kind in ("Functional", "Sequential"):
            continue
        for weight in layer._trainable_variables + layer._non_trainable_variables:
            if weight.name == "count" or "seed" in weight.name:
                continue
            set_keras(layer, kind, weight)
        if kind == "Normalization":
            layer.finalize_state()
    model = keras.Model(model.inputs[0], model.get_layer(features).output)
    value = model(module.preprocess_input(image(size).astype(numpy.float32)), training=False)
    value = keras.ops.convert_to_numpy(value)
    return numpy.moveaxis(value, -1, 1) if value.ndim == 4 else value


def set_keras(layer, kind, weight):
    """With axes as PyTorch has them: that is how finial keeps them."""
    own = PARAMETERS.get(weight.name, weight.name)
    if kind == "LayerScale":
        own = "gamma"
    shape = tuple(weight.shape)
    order = range(len(shape))
    if len(shape) == 2:
        order = (1, 0)
    elif len(shape) == 4:
        depthwise = kind == "DepthwiseConv2D" or own == "depthwise.weight"
        order = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
    values = drawn(f"{layer.name}.{own}", tuple(shape[axis] for axis in order))
    weight.assign(values.transpose(numpy.argsort(order)))


# ---------------------------------------------------------------- PyTorch

RENAMES = [
    (r"(^|\.)cls_token$", r"\1cls_token.token"),
    (r"(^|\.)pos_embed$", r"\1pos_embed.weight"),
    (r"\.layer_scale$", ".layer_scale.gamma"),
]


def torch_features(model, size, statistics, features):
    model.eval()
    state = model.state_dict()
    for name, value in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        shape = tuple(value.shape)
        own = name
        for pattern, replacement in RENAMES:
            own = re.sub(pattern, replacement, own)
        if own.endswith("pos_embed.weight"):
            shape = shape[1:]
        state[name] = torch.from_numpy(drawn(own, shape)).reshape(value.shape)
    model.load_state_dict(state)
    mean, deviation = statistics
    values = (image(size) / 255 - numpy.array(mean)) / numpy.array(deviation)
    inputs = torch.from_numpy(numpy.moveaxis(values, -1, 1).astype(numpy.float32))
    return features(model, inputs).numpy()


def main():
    found = {}

    def keep(name, size, value):
        first = value[0].ravel()
        largest = abs(first).max()
        assert numpy.isfinite(first).all() and 1e-3 < largest < 1e5, (name, largest)
        assert first.std() > 1e-2 * largest, name
        places = numpy.linspace(0, first.size - 1, KEPT).astype(int)
        # The largest is among them: differences are told as a share of it.
        places = numpy.union1d(places[1:], first.argmax())
        found[name] = {
            "size": size,
            "count": first.size,
            "places": places.tolist(),
            "features": [float(f"{number:.6g}") for number in first[places]],
        }
        print(f"{name}: {first.size} features up to {largest:.3g}", flush=True)

    with torch.no_grad():
        for name, (constructor, module, size, features) in KERAS.items():
            keep(name, size, keras_features(constructor, module, size, features))
        for name, (constructor, size, features) in TORCHVISION.items():
            settings = {"transform_input": True, "init_weights": False} if "inception" in name else {}
            model = getattr(torchvision.models, constructor)(**settings)
            keep(name, size, torch_features(model, size, IMAGENET, features))
        for name, builder in TIMM.items():
            model = timm.create_model(builder, pretrained=False)
            statistics = model.pretrained_cfg["mean"], model.pretrained_cfg["std"]
            size = model.patch_embed.img_size[0]
            head = lambda model, x: model.forward_head(model.forward_features(x), pre_logits=True)
            keep(name, size, torch_features(model, size, statistics, head))
    lines = [f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in sorted(found.items())]
    OUTPUT.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
