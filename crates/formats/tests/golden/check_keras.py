"""Keras's own applications, read and written by finial, against the originals.

    cargo build --release -p finial-formats --example keras_round_trip
    python check_keras.py ../../../../target/release/examples/keras_round_trip [NAME …]

Each network is made with random weights and running statistics, saved as `.keras` and as HDF5, read and
written by finial twice, loaded by Keras without custom objects, and must predict the same to
10⁻⁵ of the largest value. The second file must be the first, byte for byte. Needs numpy and
keras 3; with `KERAS_BACKEND=tf_keras` the originals are those of Keras 2.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

SECOND = os.environ.get("KERAS_BACKEND") == "tf_keras"
if SECOND:
    os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np

NETWORKS = {
    "VGG16": 32,
    "ResNet50": 64,
    "ResNet50V2": 64,
    "InceptionV3": 96,
    "Xception": 80,
    "MobileNet": 64,
    "MobileNetV2": 64,
    "MobileNetV3Small": 64,
    "MobileNetV3Large": 64,
    "DenseNet121": 64,
    "EfficientNetB0": 64,
    "EfficientNetV2B0": 64,
    "ConvNeXtTiny": 64,
}


def fill(model, random):
    for weight in model.weights:
        name = getattr(weight, "path", weight.name).split("/")[-1].split(":")[0]
        shape = tuple(weight.shape)
        values = {
            "gamma": lambda: random.uniform(0.7, 1.3, shape),
            "beta": lambda: random.normal(0, 0.1, shape),
            "bias": lambda: random.normal(0, 0.05, shape),
            "moving_mean": lambda: random.normal(0, 0.2, shape),
            "moving_variance": lambda: random.uniform(0.6, 1.4, shape),
        }.get(name)
        if values:
            weight.assign(values().astype("float32"))


def check(trip, name, size):
    library = __import__("tf_keras") if SECOND else keras
    library.backend.clear_session()
    random = np.random.default_rng(0)
    network = getattr(library.applications, name)
    model = network(weights=None, classes=10, input_shape=(size, size, 3))
    fill(model, random)
    images = random.integers(0, 256, (2, size, size, 3)).astype("float32")
    expected = model.predict(images, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        for ending in (".keras", ".h5"):
            file = pathlib.Path(folder) / f"{name}{ending}"
            model.save(file)
            said = subprocess.run([trip, file], check=True, capture_output=True, text=True)
            assert said.stdout.endswith(" same\n"), said.stdout
            found = keras.models.load_model(f"{file}.out.keras").predict(images, verbose=0)
            apart = np.abs(found - expected).max() / np.abs(expected).max()
            print(f"{name}{ending}: {apart:.1e}", flush=True)
            assert apart < 1e-5


if __name__ == "__main__":
    trip, *names = sys.argv[1:]
    for name in names or NETWORKS:
        check(trip, name, NETWORKS[name])
