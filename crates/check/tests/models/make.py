"""Makes the models of this folder: KERAS_BACKEND=torch python make.py, with Keras 3 and ONNX.

Each is a few kilobytes: layers are small, weights come from a seed. `old.h5` is written in the
layout of Keras 2.
"""

import json
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import onnx
from keras import layers
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
keras.utils.set_random_seed(0)


def sequential(units, activation, loss, metrics=("accuracy",)):
    model = keras.Sequential(
        [
            keras.Input((4,), name="measurements"),
            layers.Dense(5, activation="relu", name="hidden"),
            layers.Dense(units, activation=activation, name="answer"),
        ]
    )
    model.compile(optimizer="adam", loss=loss, metrics=list(metrics))
    x = np.random.rand(8, 4)
    y = np.zeros((8, units))
    y[:, 0] = 1
    if "sparse" in str(loss):
        y = y[:, 0]
    model.train_on_batch(x, y)
    return model


# A softmax over one unit.
sequential(1, "softmax", "binary_crossentropy").save(HERE / "one_unit.keras")
sequential(1, "softmax", "binary_crossentropy").save(HERE / "one_unit.h5")
# Right.
sequential(3, "softmax", "categorical_crossentropy").save(HERE / "right.keras")
sequential(3, None, keras.losses.SparseCategoricalCrossentropy(from_logits=True)).save(
    HERE / "logits.keras"
)
# Softmax and `from_logits=True`, the loss as an object.
sequential(3, "softmax", keras.losses.CategoricalCrossentropy(from_logits=True)).save(
    HERE / "logits_twice.keras"
)


def functional():
    inner = keras.Sequential([layers.Dense(6, activation="relu"), layers.Dense(4)], name="body")
    image = keras.Input((6, 6, 1), name="image")
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(2, 3, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = inner(x)
    x = layers.Dropout(0.2)(x)
    logits = layers.Dense(3, name="classes")(x)
    model = keras.Model(image, logits)
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


# Functional, with a model inside, and no activation under a loss that takes probabilities.
functional().save(HERE / "no_activation.keras")

# The layout of Keras 2: layers in a list, the training in an attribute of its own.
with h5py.File(HERE / "old.h5", "w") as file:
    dense = {"name": "dense_1", "trainable": True, "units": 5, "activation": "relu"}
    last = {"name": "dense_2", "trainable": True, "units": 5, "activation": "sigmoid"}
    config = {
        "class_name": "Sequential",
        "config": [
            {"class_name": "Dense", "config": dense},
            {"class_name": "Dense", "config": last},
        ],
    }
    file.attrs["keras_version"] = b"2.0.8"
    file.attrs["model_config"] = json.dumps(config).encode()
    file.attrs["training_config"] = json.dumps(
        {
            "optimizer_config": {"class_name": "Adam", "config": {"lr": 0.001}},
            "loss": "categorical_crossentropy",
            "metrics": ["accuracy"],
            "sample_weight_mode": None,
            "loss_weights": None,
        }
    ).encode()


def onnx_model(name, units, activation, metadata):
    weights = numpy_helper.from_array(np.zeros((4, units), np.float32), "weights")
    nodes = [helper.make_node("Gemm", ["x", "weights"], ["logits"], name="answer")]
    output = "logits"
    if activation:
        nodes.append(helper.make_node(activation, ["logits"], ["y"], name="activation"))
        output = "y"
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", units])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    onnx.save(model, HERE / name)


# Keras stores without packing; it reads packed archives as well.
for path in HERE.glob("*.keras"):
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)

onnx_model("one_unit.onnx", 1, "Softmax", {})
onnx_model("right.onnx", 3, "Softmax", {"task": "multi-class", "classes": '["a", "b", "c"]'})
onnx_model("other_classes.onnx", 2, "Softmax", {"task": "multi-class", "classes": '["a", "b", "c"]'})
