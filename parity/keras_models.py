"""References of whole models as users have them: Keras's own files, and the ONNX that Keras exports by tf2onnx.

    python keras_models.py OUT

A folder holds one model in one or several files, and what Keras computes with it.
"""

import pathlib
import sys

import keras_networks as networks
import keras
import numpy
from keras import layers

import record

SIZE = 64


def sequential() -> keras.Model:
    """The kind that a first tutorial builds."""
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, padding="same"),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.AveragePooling2D(3, strides=2, padding="same"),
            layers.Dropout(0.2),
            layers.Flatten(),
            layers.Dense(12, activation="elu"),
            layers.Dense(5, activation="softmax"),
        ]
    )


def nested() -> keras.Model:
    """A pretrained base inside a new model, as the transfer learning guide shows it."""
    base = keras.applications.MobileNetV2((SIZE, SIZE, 3), 0.35, include_top=False, weights=None)
    base.trainable = False
    inputs = keras.Input((SIZE, SIZE, 3))
    value = layers.RandomFlip("horizontal")(inputs)
    value = keras.applications.mobilenet_v2.preprocess_input(value)
    value = base(value, training=False)
    value = layers.GlobalAveragePooling2D()(value)
    value = layers.Dropout(0.2)(value)
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(value))


def branches() -> keras.Model:
    """What functional models are for: several ways, joined."""
    inputs = keras.Input((SIZE, SIZE, 3))
    value = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    value = layers.ZeroPadding2D(((0, 1), (2, 3)))(value)
    value = layers.Conv2D(8, (3, 5), strides=2, padding="same", dilation_rate=1)(value)
    value = layers.PReLU(shared_axes=[1, 2])(value)
    left = layers.SeparableConv2D(12, 3, padding="same", activation="swish")(value)
    left = layers.LayerNormalization()(left)
    right = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=1)(value)
    right = layers.Conv2D(12, 1, dilation_rate=2, activation="gelu")(right)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(right)
    gate = layers.Conv2D(12, 1, activation="hard_sigmoid")(gate)
    value = layers.Add()([left, layers.Multiply()([right, gate])])
    value = layers.Concatenate()([value, left])
    value = layers.MaxPooling2D(3, 2, padding="same")(value)
    value = layers.GlobalMaxPooling2D()(value)
    value = layers.Dense(16, activation="tanh")(value)
    return keras.Model(inputs, layers.Dense(3, activation="softplus")(value))


def normalised() -> keras.Model:
    """Layer normalisation of maps and of a vector, which tf2onnx takes apart."""
    inputs = keras.Input((SIZE, SIZE, 3))
    value = layers.Rescaling(1 / 255)(inputs)
    value = layers.Conv2D(8, 4, strides=4)(value)
    value = layers.LayerNormalization(epsilon=1e-6)(value)
    value = layers.Conv2D(12, 3, activation="relu")(value)
    value = layers.LayerNormalization()(value)
    value = layers.GlobalAveragePooling2D()(value)
    value = layers.LayerNormalization(epsilon=1e-6)(value)
    return keras.Model(inputs, layers.Dense(5, activation="softmax")(value))


def of_applications(name: str) -> keras.Model:
    constructor, _, size, _ = networks.NETWORKS[name]
    return networks.build(constructor, size)


MODELS = {
    "sequential": sequential,
    "nested": nested,
    "branches": branches,
    "normalised": normalised,
    **{
        f"keras-{name}": lambda name=name: of_applications(name)
        for name in (
            "vgg16", "resnet50", "inception-v3", "xception", "mobilenet", "mobilenet-v2",
            "mobilenet-v3-small", "densenet121", "efficientnet-b0", "convnext-tiny",
        )
    },
}
# Models that are exported too, and the opset.
AS_ONNX = {
    "sequential": 9, "keras-resnet50": 15, "keras-inception-v3": 11, "keras-mobilenet-v2": 14,
    "keras-mobilenet-v3-small": 13, "keras-densenet121": 18,
    # ConvNeXt is not: tf2onnx leaves TensorFlow's own operations in it, which no runtime knows.
    "normalised": 15,
}


def write(name: str, folder: pathlib.Path) -> None:
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    model = MODELS[name]()
    size = model.input_shape[1]
    prepare = lambda images: images.astype(numpy.float32)
    if name.startswith("keras-"):
        module = networks.NETWORKS[name.removeprefix("keras-")][1]
        prepare = lambda images: module.preprocess_input(images.astype(numpy.float32))
    calibration = prepare(record.images(size, count=networks.CALIBRATION, seed=1))
    networks.randomise(model, calibration)
    if name == "nested":
        # A frozen base is never in training, so its statistics are taken by itself.
        (base,) = [layer for layer in model.layers if isinstance(layer, keras.Model)]
        base.trainable = True
        networks.randomise(base, calibration / 127.5 - 1)
        base.trainable = False
    networks.soften(model, calibration)
    inputs = prepare(record.images(size))
    record.write(folder / "reference.safetensors", inputs, output=networks.run(model, inputs))
    model.save(folder / "model.keras")
    model.save(folder / "model.h5")
    if name in AS_ONNX:
        file = str(folder / "model.onnx")
        model.export(file, format="onnx", opset_version=AS_ONNX[name], verbose=False)


def main() -> None:
    out = pathlib.Path(sys.argv[1])
    for name in MODELS:
        place = out / "models" / name
        if not place.exists():
            with record.folder(place) as folder:
                write(name, folder)
            print(f"models/{name}", flush=True)


if __name__ == "__main__":
    main()
