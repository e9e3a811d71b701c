"""References of `keras.applications`: each network as it is published, with random weights.

    python keras_networks.py OUT [NAME...]
"""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import pathlib
import sys
from unittest import mock

import h5py
import keras
import numpy
from keras import applications as nets
from keras.src.applications import imagenet_utils
from keras.src.legacy.saving import legacy_h5_format
from keras.src.utils import file_utils

import record

# Constructor, whose preprocessing, and the layer that a new head reads. Images are small; their
# size leaves the same rest as the published one when divided by 32, for on that depends how a
# map is padded in each place where it is halved.
NETWORKS = {
    "vgg16": (nets.VGG16, nets.vgg16, 64, "block5_pool"),
    "vgg19": (nets.VGG19, nets.vgg19, 64, "block5_pool"),
    "resnet50": (nets.ResNet50, nets.resnet, 64, "conv5_block3_out"),
    "resnet101": (nets.ResNet101, nets.resnet, 64, "conv5_block3_out"),
    "resnet152": (nets.ResNet152, nets.resnet, 64, "conv5_block3_out"),
    "resnet50v2": (nets.ResNet50V2, nets.resnet_v2, 64, "post_relu"),
    "inception-v3": (nets.InceptionV3, nets.inception_v3, 75, "mixed10"),
    "xception": (nets.Xception, nets.xception, 75, "block14_sepconv2_act"),
    "mobilenet": (nets.MobileNet, nets.mobilenet, 64, "conv_pw_13_relu"),
    "mobilenet-v2": (nets.MobileNetV2, nets.mobilenet_v2, 64, "out_relu"),
    "mobilenet-v3-small": (nets.MobileNetV3Small, nets.mobilenet_v3, 64, "activation_17"),
    "mobilenet-v3-large": (nets.MobileNetV3Large, nets.mobilenet_v3, 64, "activation_19"),
    "densenet121": (nets.DenseNet121, nets.densenet, 64, "relu"),
    "densenet169": (nets.DenseNet169, nets.densenet, 64, "relu"),
    "densenet201": (nets.DenseNet201, nets.densenet, 64, "relu"),
    "efficientnet-b0": (nets.EfficientNetB0, nets.efficientnet, 64, "top_activation"),
    "efficientnet-b1": (nets.EfficientNetB1, nets.efficientnet, 80, "top_activation"),
    "efficientnet-b2": (nets.EfficientNetB2, nets.efficientnet, 68, "top_activation"),
    "efficientnet-b3": (nets.EfficientNetB3, nets.efficientnet, 76, "top_activation"),
    "efficientnet-b4": (nets.EfficientNetB4, nets.efficientnet, 92, "top_activation"),
    "efficientnet-b5": (nets.EfficientNetB5, nets.efficientnet, 72, "top_activation"),
    "efficientnet-b6": (nets.EfficientNetB6, nets.efficientnet, 80, "top_activation"),
    "efficientnet-b7": (nets.EfficientNetB7, nets.efficientnet, 88, "top_activation"),
    "convnext-tiny": (nets.ConvNeXtTiny, nets.convnext, 64, "convnext_tiny_head_layernorm"),
    "convnext-small": (nets.ConvNeXtSmall, nets.convnext, 64, "convnext_small_head_layernorm"),
    "convnext-base": (nets.ConvNeXtBase, nets.convnext, 64, "convnext_base_head_layernorm"),
}
# One of each family is stored in all the forms that Keras has for weights.
IN_ALL_FORMS = {
    "vgg16", "resnet50", "resnet50v2", "inception-v3", "xception", "mobilenet", "mobilenet-v2",
    "mobilenet-v3-small", "densenet121", "efficientnet-b0", "convnext-tiny",
}
# The article's networks, at the size that they were published for.
FULL_SIZE = {"vgg16": 224, "resnet50": 224, "inception-v3": 299}

# Images of which running statistics are taken.
CALIBRATION = 16


def build(constructor, size: int, **settings) -> keras.Model:
    """The network as `weights="imagenet"` makes it, which in some families has layers of its own
    for that. Nothing is fetched, and any size goes with the classifier."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    any_size = mock.patch.object(
        imagenet_utils, "obtain_input_shape", lambda input_shape, **_: input_shape
    )
    no_file = mock.patch.object(file_utils, "get_file", lambda *_, **__: "")
    no_weights = mock.patch.object(keras.Model, "load_weights", lambda *_, **__: None)
    with any_size, no_file, no_weights:
        return constructor(weights="imagenet", input_shape=(size, size, 3), **settings)


def randomise(model: keras.Model, inputs: numpy.ndarray, seed: int = 0) -> None:
    """Weights with which activations neither die nor explode; running statistics near to what
    passes through the network, but none so small that it would magnify rounding errors."""
    random = numpy.random.default_rng(seed)
    layers = list(model._flatten_layers(include_self=False))
    for layer in layers:
        for weight in layer._trainable_variables:
            weight.assign(draw(random, weight.path, weight.shape))
    norms = [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    if norms:
        model(inputs, training=True)
    for layer, momentum in zip(norms, momenta):
        layer.momentum = momentum
        mean, variance = layer.moving_mean.numpy(), layer.moving_variance.numpy()
        spread = numpy.sqrt(numpy.maximum(variance, variance.mean() / 4))
        layer.moving_mean.assign(mean + spread * random.normal(0, 0.1, mean.shape))
        layer.moving_variance.assign(spread**2 * random.uniform(0.7, 1.4, mean.shape))


def soften(model: keras.Model, inputs: numpy.ndarray) -> None:
    """Brings logits near to 0, where several classes have a chance."""
    last = [layer for layer in model.layers if hasattr(layer, "kernel")][-1]
    activation, last.activation = last.activation, keras.activations.linear
    logits = run(keras.Model(model.inputs[0], last.output), inputs)
    last.activation = activation
    centre = logits.mean(axis=tuple(range(logits.ndim - 1)))
    scale = 0.5 / (logits - centre).std()
    last.kernel.assign(last.kernel * scale)
    last.bias.assign((last.bias - centre) * scale)


def run(model: keras.Model, inputs: numpy.ndarray):
    return keras.tree.map_structure(keras.ops.convert_to_numpy, model(inputs, training=False))


def draw(random: numpy.random.Generator, path: str, shape: tuple[int, ...]) -> numpy.ndarray:
    """Numbers for a weight of that path."""
    name = path.rsplit("/")[-1]
    if "kernel" in name:
        # Inputs that meet in one output; each channel has its own kernel if it is depthwise.
        inputs = numpy.prod(shape[:2] if "depthwise" in name else shape[:-1])
        return random.standard_normal(shape, numpy.float32) * numpy.sqrt(2 / inputs)
    if path.endswith("_3_bn/gamma"):
        # What a residual block adds is little, as in trained networks; else rounding errors grow.
        return random.uniform(0.1, 0.3, shape)
    if "gamma" in name:
        return random.uniform(0.5, 1.5, shape)
    return random.normal(0, 0.1, shape)


def write_as_keras_2(model: keras.Model, file: pathlib.Path) -> None:
    """The layout of the published `..._weights_tf_dim_ordering_tf_kernels.h5`."""
    with h5py.File(file, "w") as f:
        save = legacy_h5_format.save_attributes_to_hdf5_group
        save(f, "layer_names", [layer.name.encode() for layer in model.layers])
        f.attrs["backend"] = b"tensorflow"
        f.attrs["keras_version"] = b"2.2.4"
        for layer in model.layers:
            group = f.create_group(layer.name)
            weights = legacy_h5_format._legacy_weights(layer)
            names = ["/".join(weight.path.split("/")[-2:]) + ":0" for weight in weights]
            save(group, "weight_names", [name.encode() for name in names])
            for name, weight in zip(names, weights):
                group[name] = weight.numpy()


def without_top(model: keras.Model, constructor, size: int) -> keras.Model:
    """What `include_top=False, pooling="avg"` makes, with the same weights."""
    base = build(constructor, size, include_top=False, pooling="avg")
    base.set_weights(model.get_weights()[: len(base.weights)])
    return base


def values_behind_layers(model: keras.Model, inputs: numpy.ndarray) -> dict[str, numpy.ndarray]:
    """An activation that a layer has built in is a layer of its own in finial."""
    names, outputs = [], []
    for layer in model.layers[1:]:
        activation = getattr(layer, "activation", keras.activations.linear)
        fused = activation is not keras.activations.linear
        is_activation = isinstance(layer, (keras.layers.Activation, keras.layers.ReLU))
        names.append(f"{layer.name}/activation" if fused and not is_activation else layer.name)
        outputs.append(layer.output)
    values = run(keras.Model(model.inputs[0], outputs), inputs)
    return {name: record.channels_first(value) for name, value in zip(names, values)}


def reference(name: str, folder: pathlib.Path) -> None:
    constructor, module, size, features = NETWORKS[name]
    model = build(constructor, size)
    prepare = lambda images: module.preprocess_input(images.astype(numpy.float32))
    calibration = prepare(record.images(size, count=CALIBRATION, seed=1))
    randomise(model, calibration)
    images = record.images(size)
    soften(model, numpy.concatenate([calibration, prepare(images)]))
    layers = values_behind_layers(model, prepare(images))
    values = {"features": layers[features], "output": run(model, prepare(images))}
    write_as_keras_2(model, folder / "weights.h5")
    if name in IN_ALL_FORMS:
        base = without_top(model, constructor, size)
        values["pooled"] = run(base, prepare(images))
        write_as_keras_2(base, folder / "notop.h5")
        base.save_weights(folder / "notop.weights.h5")
        base.save(folder / "notop.keras")
    record.write(folder / "reference.safetensors", images, layers, **values)


def squeezenet_reference(name: str, folder: pathlib.Path) -> None:
    import squeezenet

    size = 67
    keras.utils.set_random_seed(0)
    model = squeezenet.network(size)
    calibration = as_caffe(record.images(size, count=CALIBRATION, seed=1))
    randomise(model, calibration)
    soften(model, calibration)
    write_squeezenet(folder, model, record.images(size))
    squeezenet.write(model, folder / "weights.h5")


def write_squeezenet(folder: pathlib.Path, model: keras.Model, images: numpy.ndarray) -> None:
    values = values_behind_layers(model, as_caffe(images))
    layers = {name.replace(".", "/"): value for name, value in values.items()}
    record.write(
        folder / "reference.safetensors",
        images,
        layers,
        features=layers["fire9/concat"],
        output=run(model, as_caffe(images)),
    )


def as_caffe(images: numpy.ndarray) -> numpy.ndarray:
    return nets.vgg16.preprocess_input(images.astype(numpy.float32))


def full_size_reference(name: str, folder: pathlib.Path) -> None:
    constructor, module, _, features = NETWORKS[name]
    size = FULL_SIZE[name]
    model = build(constructor, size)
    prepare = lambda images: module.preprocess_input(images.astype(numpy.float32))
    calibration = prepare(record.images(size, count=4, seed=1))
    randomise(model, calibration)
    soften(model, calibration)
    images = record.images(size, count=1)
    before_top = keras.Model(model.inputs[0], model.get_layer(features).output)
    record.write(
        folder / "reference.safetensors",
        images,
        features=record.channels_first(run(before_top, prepare(images))),
        output=run(model, prepare(images)),
    )
    write_as_keras_2(model, folder / "weights.h5")


def main() -> None:
    out = pathlib.Path(sys.argv[1])
    wanted = sys.argv[2:]
    tasks = [("networks", name, reference) for name in NETWORKS]
    tasks.append(("networks", "squeezenet1.1-keras", squeezenet_reference))
    tasks += [("full-size", name, full_size_reference) for name in FULL_SIZE]
    for kind, name, make in tasks:
        place = out / kind / name
        if (wanted and name not in wanted) or place.exists():
            continue
        with record.folder(place) as folder:
            make(name, folder)
        print(f"{kind}/{name}", flush=True)


if __name__ == "__main__":
    main()
