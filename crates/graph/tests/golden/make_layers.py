"""Writes what the layers of each backbone are, as the library that publishes it builds them.

    python3 -m venv venv
    venv/bin/pip install -r requirements.txt
    venv/bin/python make_layers.py [NAME...]

One file a backbone, layers/NAME.txt. Its first line says where the list is from, its second
how many numbers all parameters and running statistics hold; then one line a layer, in the
library's order, with what it computes, the shape it gives (channels first) and its parameters:

    conv1_bn BatchNorm 64x112x112 epsilon=1.001e-05 weight=64 bias=64 running_mean=64 ...

A list with "parameters" as its third line has one line a parameter instead: of networks whose
modules are not finial's operations one for one.

Nothing is downloaded: the networks are built as for their published weights, but keep random
ones.
"""

import importlib.metadata
import math
import os
import pathlib
import re
import sys
import unittest.mock

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras  # noqa: E402
import timm  # noqa: E402
import torch  # noqa: E402
import torchvision  # noqa: E402
from efficientnet_lite_pytorch import EfficientNet  # noqa: E402
from torchvision.models.feature_extraction import NodePathTracer  # noqa: E402

OUTPUT = pathlib.Path(__file__).parent / "layers"

# Names in finial: class in keras.applications, size of the image.
KERAS = {
    "convnext-base": ("ConvNeXtBase", 224),
    "convnext-small": ("ConvNeXtSmall", 224),
    "convnext-tiny": ("ConvNeXtTiny", 224),
    "densenet121": ("DenseNet121", 224),
    "densenet169": ("DenseNet169", 224),
    "densenet201": ("DenseNet201", 224),
    "efficientnet-b0": ("EfficientNetB0", 224),
    "efficientnet-b1": ("EfficientNetB1", 240),
    "efficientnet-b2": ("EfficientNetB2", 260),
    "efficientnet-b3": ("EfficientNetB3", 300),
    "efficientnet-b4": ("EfficientNetB4", 380),
    "efficientnet-b5": ("EfficientNetB5", 456),
    "efficientnet-b6": ("EfficientNetB6", 528),
    "efficientnet-b7": ("EfficientNetB7", 600),
    "inception-v3": ("InceptionV3", 299),
    "mobilenet": ("MobileNet", 224),
    "mobilenet-v2": ("MobileNetV2", 224),
    "mobilenet-v3-large": ("MobileNetV3Large", 224),
    "mobilenet-v3-small": ("MobileNetV3Small", 224),
    "resnet101": ("ResNet101", 224),
    "resnet152": ("ResNet152", 224),
    "resnet50": ("ResNet50", 224),
    "resnet50v2": ("ResNet50V2", 224),
    "vgg16": ("VGG16", 224),
    "vgg19": ("VGG19", 224),
    "xception": ("Xception", 299),
}
# Name in torchvision.models, size of the image.
TORCHVISION = {
    "densenet121-torchvision": ("densenet121", 224),
    "densenet169-torchvision": ("densenet169", 224),
    "densenet201-torchvision": ("densenet201", 224),
    "efficientnet-b0-torchvision": ("efficientnet_b0", 224),
    "efficientnet-b1-torchvision": ("efficientnet_b1", 240),
    "efficientnet-b2-torchvision": ("efficientnet_b2", 288),
    "efficientnet-b3-torchvision": ("efficientnet_b3", 300),
    "efficientnet-b4-torchvision": ("efficientnet_b4", 380),
    "efficientnet-b5-torchvision": ("efficientnet_b5", 456),
    "efficientnet-b6-torchvision": ("efficientnet_b6", 528),
    "efficientnet-b7-torchvision": ("efficientnet_b7", 600),
    "inception-v3-torchvision": ("inception_v3", 299),
    "mobilenet-v2-torchvision": ("mobilenet_v2", 224),
    "mobilenet-v3-large-torchvision": ("mobilenet_v3_large", 224),
    "mobilenet-v3-small-torchvision": ("mobilenet_v3_small", 224),
    "resnet101-torchvision": ("resnet101", 224),
    "resnet152-torchvision": ("resnet152", 224),
    "resnet18": ("resnet18", 224),
    "resnet34": ("resnet34", 224),
    "resnet50-torchvision": ("resnet50", 224),
    "squeezenet1.1": ("squeezenet1_1", 224),
    "vgg16-torchvision": ("vgg16", 224),
    "vgg19-torchvision": ("vgg19", 224),
}
# Networks of which only the parameters are compared: how to build them.
PARAMETERS = {
    "convnext-base-torchvision": lambda: torchvision.models.convnext_base(),
    "convnext-small-torchvision": lambda: torchvision.models.convnext_small(),
    "convnext-tiny-torchvision": lambda: torchvision.models.convnext_tiny(),
    "dinov2-base-14": lambda: timm.create_model("vit_base_patch14_dinov2.lvd142m"),
    "dinov2-small-14": lambda: timm.create_model("vit_small_patch14_dinov2.lvd142m"),
    "efficientnet-lite0": lambda: EfficientNet.from_name("efficientnet-lite0"),
    "efficientnet-lite1": lambda: EfficientNet.from_name("efficientnet-lite1"),
    "efficientnet-lite2": lambda: EfficientNet.from_name("efficientnet-lite2"),
    "vit-base-16": lambda: timm.create_model("vit_base_patch16_224"),
    "vit-base-16-torchvision": lambda: torchvision.models.vit_b_16(),
    "vit-small-16": lambda: timm.create_model("vit_small_patch16_224"),
}

VERSIONS = {
    "keras": f"keras {keras.__version__}",
    "torchvision": f"torchvision {torchvision.__version__.split('+')[0]}",
}


def line(name, kind, shape, **settings):
    """One layer. Settings are an epsilon or shapes of parameters."""
    shown = [f"{key}={dims(value)}" for key, value in settings.items()]
    return " ".join([name, kind, dims(shape), *shown])


def dims(value):
    return f"{value:g}" if isinstance(value, float) else "x".join(str(n) for n in value)


# ---------------------------------------------------------------- Keras

KERAS_KINDS = {
    "Add": "Add",
    "AveragePooling2D": "AveragePool",
    "Concatenate": "Concat",
    "Conv2D": "Conv2d",
    "Dense": "Dense",
    "DepthwiseConv2D": "Conv2d",
    "Dropout": "Dropout",
    "Flatten": "Flatten",
    "GlobalAveragePooling2D": "GlobalAveragePool",
    "LayerNormalization": "LayerNorm",
    "LayerScale": "LayerScale",
    "MaxPooling2D": "MaxPool",
    "Multiply": "Multiply",
    "Rescaling": "Rescale",
    "Reshape": "Reshape",
    "SeparableConv2D": "Conv2d",
    "ZeroPadding2D": "ZeroPad",
}
KERAS_ACTIVATIONS = {
    "gelu": "GELU",
    "hard_silu": "HardSwish",
    "linear": "Identity",
    "relu": "ReLU",
    "sigmoid": "Sigmoid",
    "silu": "SiLU",
    "softmax": "Softmax",
}
KERAS_PARAMETERS = {
    "beta": "bias",
    "bias": "bias",
    "gamma": "weight",
    "kernel": "weight",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def keras_application(build, size):
    """The network as for its published weights: EfficientNet has a layer more then."""
    nothing = unittest.mock.Mock()
    keras.backend.clear_session()
    with (
        unittest.mock.patch("keras.src.utils.file_utils.get_file", nothing),
        unittest.mock.patch("keras.src.models.Functional.load_weights", nothing),
    ):
        return build(weights="imagenet", input_shape=(size, size, 3))


def keras_lines(model):
    lines = []
    # The sum that begins the hard sigmoid of MobileNetV3.
    hard_sigmoid = None
    for operation in flat(model.operations):
        name, kind = operation.name, type(operation).__name__
        output = operation.output.shape[1:]
        shape = [output[-1], *output[:-1]]
        if kind == "InputLayer":
            continue
        if not isinstance(operation, keras.layers.Layer):
            before = lines[-1].split()[0]
            if before.endswith("_squeeze_excite_conv_1") and kind == "Add":
                hard_sigmoid = before.removesuffix("conv_1") + "hard_sigmoid"
            elif hard_sigmoid and kind == "Multiply":
                lines.append(line(hard_sigmoid, "HardSigmoid", shape))
                hard_sigmoid = None
            elif before.endswith("_identity") and kind == "Add":
                lines.append(line(before.removesuffix("_identity"), "Add", shape))
            else:
                raise SystemExit(f"{model.name}: {name} ({kind}) is not expected")
            continue
        if hard_sigmoid:
            assert kind == "ReLU" and operation.max_value == 6
            continue
        lines.extend(keras_layer(operation, name, kind, shape))
    return lines


def flat(operations):
    """The operations of a model and of the sequences in it."""
    for operation in operations:
        if isinstance(operation, keras.Sequential):
            yield from flat(operation.layers)
        else:
            yield operation


def keras_layer(layer, name, kind, shape):
    """The lines of one layer: a fused activation is a line of its own."""
    parameters = {}
    for weight in layer.weights:
        # A layer scale does not name its one parameter.
        unnamed = "gamma" if kind == "LayerScale" else weight.name
        key = KERAS_PARAMETERS.get(weight.name, unnamed)
        parameters[key] = torch_order(layer, weight)
    if kind == "Activation":
        activation = layer.activation.__name__
        yield line(name, KERAS_ACTIVATIONS[activation], shape)
    elif kind == "ReLU":
        yield line(name, "ReLU" if layer.max_value is None else f"ReLU{layer.max_value:g}", shape)
    elif kind == "BatchNormalization":
        yield line(name, "BatchNorm", shape, epsilon=float(layer.epsilon), **parameters)
    elif kind == "LayerNormalization":
        yield line(name, "LayerNorm", shape, epsilon=float(layer.epsilon), **parameters)
    elif kind == "Normalization" and layer.input_mean is not None:
        yield line(name, "Rescale", shape)
    elif kind == "Normalization":
        yield line(name, "Normalize", shape, mean=[shape[0]], variance=[shape[0]])
    elif kind == "Dropout" and layer.noise_shape is not None:
        # Drops whole blocks, in training only.
        yield line(name, "Identity", shape)
    elif kind == "GlobalAveragePooling2D" and layer.keepdims:
        yield line(name, "GlobalAveragePool", shape[:1])
        yield line(f"{name}/keepdims", "Reshape", shape)
    elif kind == "SeparableConv2D":
        size = [layer.input.shape[-1], *shape[1:]]
        yield line(f"{name}.depthwise", "Conv2d", size, weight=parameters["depthwise_kernel"])
        yield line(name, "Conv2d", shape, weight=parameters["pointwise_kernel"])
    elif kind == "Dense" and len(shape) == 3:
        parameters["weight"] = [*parameters["weight"], 1, 1]
        yield line(name, "Conv2d", shape, **parameters)
    else:
        yield line(name, KERAS_KINDS[kind], shape, **parameters)
    fused = getattr(layer, "activation", None)
    if kind != "Activation" and fused is not None and fused.__name__ != "linear":
        yield line(f"{name}/activation", KERAS_ACTIVATIONS[fused.__name__], shape)


def torch_order(layer, weight):
    """The shape of a parameter with its axes in PyTorch's order."""
    match weight.name, list(weight.shape):
        case "kernel", [channels, units]:
            return [units, channels]
        case "kernel", [height, width, channels, 1] if is_depthwise(layer):
            return [channels, 1, height, width]
        case "depthwise_kernel", [height, width, channels, 1]:
            return [channels, 1, height, width]
        case ("kernel" | "pointwise_kernel"), [height, width, channels, filters]:
            return [filters, channels, height, width]
        case _, shape:
            return shape


def is_depthwise(layer):
    return isinstance(layer, keras.layers.DepthwiseConv2D)


def keras_squeezenet():
    """SqueezeNet 1.1 as github.com/rcmalli/keras-squeezenet builds it.

    Its names have slashes, which Keras 3 refuses: they are bars here.
    """
    layers = keras.layers

    def convolution(x, filters, size, name, activation, **settings):
        x = layers.Conv2D(filters, size, name=name, **settings)(x)
        return layers.Activation("relu", name=activation)(x)

    def fire(x, number, squeeze, expand):
        def named(x, filters, size, layer, **settings):
            names = f"fire{number}|{layer}", f"fire{number}|relu_{layer}"
            return convolution(x, filters, size, *names, **settings)

        x = named(x, squeeze, 1, "squeeze1x1")
        left = named(x, expand, 1, "expand1x1")
        right = named(x, expand, 3, "expand3x3", padding="same")
        return layers.Concatenate(name=f"fire{number}|concat")([left, right])

    image = layers.Input((227, 227, 3))
    x = convolution(image, 64, 3, "conv1", "relu_conv1", strides=2)
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    x = fire(x, 2, 16, 64)
    x = fire(x, 3, 16, 64)
    x = layers.MaxPooling2D(3, strides=2, name="pool3")(x)
    x = fire(x, 4, 32, 128)
    x = fire(x, 5, 32, 128)
    x = layers.MaxPooling2D(3, strides=2, name="pool5")(x)
    x = fire(x, 6, 48, 192)
    x = fire(x, 7, 48, 192)
    x = fire(x, 8, 64, 256)
    x = fire(x, 9, 64, 256)
    x = layers.Dropout(0.5, name="drop9")(x)
    x = convolution(x, 1000, 1, "conv10", "relu_conv10")
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Activation("softmax", name="loss")(x)
    return keras.Model(image, x, name="squeezenet")


# ---------------------------------------------------------------- PyTorch

TORCH_KINDS = {
    "AvgPool2d": "AveragePool",
    "BatchNorm2d": "BatchNorm",
    "Conv2d": "Conv2d",
    "Dropout": "Dropout",
    "Hardsigmoid": "HardSigmoid",
    "Hardswish": "HardSwish",
    "Linear": "Dense",
    "MaxPool2d": "MaxPool",
    "ReLU": "ReLU",
    "ReLU6": "ReLU6",
    "SiLU": "SiLU",
    "Sigmoid": "Sigmoid",
}
TORCH_FUNCTIONS = {
    "add": "Add",
    "avg_pool2d": "AveragePool",
    "cat": "Concat",
    "max_pool2d": "MaxPool",
    "mul": "Multiply",
    "relu": "ReLU",
}


class Shapes(torch.fx.Interpreter):
    """Runs a traced network and keeps the shape of each node's value."""

    def run_node(self, node):
        value = super().run_node(node)
        self.shapes[node] = list(value.shape[1:])
        return value


def torchvision_lines(model, size):
    model.eval()
    tracer = NodePathTracer(leaf_modules=[torchvision.ops.StochasticDepth])
    graph = tracer.trace(model)
    interpreter = Shapes(torch.fx.GraphModule(model, graph))
    interpreter.shapes = {}
    interpreter.run(torch.zeros(1, 3, size, size, device="meta"))
    modules = dict(model.named_modules())
    lines = []
    for node in graph.nodes:
        if node.op in ("placeholder", "output"):
            continue
        name = tracer.node_to_qualname[node]
        target = node.target if isinstance(node.target, str) else node.target.__name__
        module = modules[target] if node.op == "call_module" else None
        kind = type(module).__name__ if module is not None else target
        lines.extend(torch_layer(node, module, name, kind, interpreter.shapes))
    return lines


def torch_layer(node, module, name, kind, shapes):
    shape = shapes[node]
    if kind in ("AdaptiveAvgPool2d", "adaptive_avg_pool2d"):
        if shape[1:] != [1, 1]:
            # To the size that the map has already.
            yield line(name, "Identity", shape)
            return
        yield line(name, "GlobalAveragePool", shape[:1])
        if not reaches_flatten(node):
            block = name.rpartition(".")[0]
            yield line(f"{block}.reshape", "Reshape", shape)
    elif kind == "flatten":
        if shapes[node.args[0]][1:] != [1, 1]:
            yield line(name, "Flatten", shape)
    elif kind == "cat" and len(node.args[0]) == 1:
        # The first layer of a dense block joins its one input.
        return
    elif kind == "StochasticDepth":
        # Drops whole blocks, in training only.
        return
    elif module is not None:
        parameters = {
            key: list(value.shape)
            for key, value in module.state_dict().items()
            if key != "num_batches_tracked"
        }
        if kind == "Dropout" and reaches_flatten(node):
            shape = shape[:1]
        if kind == "BatchNorm2d":
            parameters = {"epsilon": float(module.eps), **parameters}
        yield line(name, TORCH_KINDS[kind], shape, **parameters)
    else:
        yield line(name, TORCH_FUNCTIONS[kind.removesuffix("_")], shape)


def reaches_flatten(node):
    """Whether a pooling to one place ends in a vector, perhaps behind a dropout."""
    (user,) = node.users
    if user.op == "output":
        return True
    target = user.target if isinstance(user.target, str) else user.target.__name__
    return "flatten" in target or (target == "dropout" and reaches_flatten(user))


# Modules that finial sees as one operation, and tensors that belong to none.
RENAMES = [
    (r"(^|\.)(cls_token|class_token)$", r"\1\2.token"),
    (r"(^|\.)(pos_embed|pos_embedding)$", r"\1\2.weight"),
    (r"\.in_proj_(weight|bias)$", r".qkv.\1"),
    (r"\.out_proj\.", ".proj."),
    (r"\.layer_scale$", ".layer_scale.gamma"),
]


def parameter_lines(model):
    for name, value in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        shape = list(value.shape)
        for pattern, replacement in RENAMES:
            name = re.sub(pattern, replacement, name)
        # Broadcast axes, and the dense layers of ConvNeXt, which run over the channels of a map.
        if name.endswith((".token", ".gamma")):
            shape = [n for n in shape if n != 1]
        elif name.endswith("pos_embed.weight") or name.endswith("pos_embedding.weight"):
            shape = shape[1:]
        elif re.search(r"features\.\d+\.\d+\.block\.[35]\.weight$", name) and len(shape) == 2:
            shape = [*shape, 1, 1]
        yield f"{name} {dims(shape)}"


# ---------------------------------------------------------------- Files


def keras_total(model):
    # A normalisation also counts the images that it has seen.
    return sum(math.prod(w.shape) for w in model.weights if w.name != "count")


def torch_total(model):
    values = model.state_dict().items()
    return sum(v.numel() for name, v in values if not name.endswith("num_batches_tracked"))


def write(name, source, total, lines):
    text = "\n".join([f"# {source}", f"# {total} numbers", *lines]) + "\n"
    (OUTPUT / f"{name}.txt").write_text(text)
    print(f"{name}: {len(lines)} lines, {total} numbers")


def main():
    wanted = sys.argv[1:]

    def chosen(table):
        return {name: row for name, row in table.items() if not wanted or name in wanted}

    for name, (builder, size) in chosen(KERAS).items():
        model = keras_application(getattr(keras.applications, builder), size)
        write(name, f"{VERSIONS['keras']}: {builder}", keras_total(model), keras_lines(model))
    if not wanted or "squeezenet1.1-keras" in wanted:
        keras.backend.clear_session()
        model = keras_squeezenet()
        source = f"keras-squeezenet, built in {VERSIONS['keras']}"
        lines = [text.replace("|", "/") for text in keras_lines(model)]
        write("squeezenet1.1-keras", source, keras_total(model), lines)
    for name, (builder, size) in chosen(TORCHVISION).items():
        settings = {"aux_logits": False, "init_weights": False} if "inception" in name else {}
        with torch.device("meta"):
            model = getattr(torchvision.models, builder)(weights=None, **settings)
        meta = torchvision.models.get_model_weights(builder).DEFAULT.meta
        if not settings:
            assert sum(p.numel() for p in model.parameters()) == meta["num_params"]
        lines = torchvision_lines(model, size)
        write(name, f"{VERSIONS['torchvision']}: {builder}", torch_total(model), lines)
    for name, build in chosen(PARAMETERS).items():
        with torch.device("meta"):
            model = build()
        package = type(model).__module__.split(".")[0]
        version = importlib.metadata.version(package).split("+")[0]
        source = f"{package} {version}: {type(model).__name__}"
        lines = ["parameters", *parameter_lines(model)]
        write(name, source, torch_total(model), lines)


if __name__ == "__main__":
    main()
