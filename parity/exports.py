"""Reads what finial wrote, with Keras and with ONNX Runtime, and compares what they compute.

    python exports.py FOLDER

FOLDER holds a folder for each network: model.keras, model.onnx, and computed.safetensors with
`images` and finial's `output`.
"""

import pathlib
import sys

import keras_networks as networks
import keras
import numpy
import onnx
import onnxruntime
from safetensors.numpy import load_file

KERAS_TOLERANCE = 1e-5
ONNX_TOLERANCE = 1e-4


def deviation(found: numpy.ndarray, expected: numpy.ndarray) -> float:
    """Of probabilities as they are, of larger numbers as a share of the largest."""
    return float(abs(found - expected).max() / max(abs(expected).max(), 1))


def by_keras(folder: pathlib.Path, images: numpy.ndarray, expected: numpy.ndarray) -> float:
    model = keras.models.load_model(folder / "model.keras")
    assert model.compiled and model.loss == "categorical_crossentropy", "it is not compiled"
    if folder.name in networks.NETWORKS:
        # Names of keras.applications, so that a layer is found where its documentation says.
        original = networks.build(networks.NETWORKS[folder.name][0], images.shape[1])
        layers = original._flatten_layers(include_self=False)
        names = {layer.name for layer in layers if layer._trainable_variables}
        missing = names - {layer.name for layer in model.layers}
        assert not missing, f"no layers {sorted(missing)}"
    found = networks.run(model, images.astype(numpy.float32))
    return deviation(found, expected)


def by_onnx_runtime(folder: pathlib.Path, images: numpy.ndarray, expected: numpy.ndarray) -> float:
    onnx.checker.check_model(folder / "model.onnx", full_check=True)
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    (found,) = session.run(None, {"image": images.astype(numpy.uint8)})
    (first,) = session.run(None, {"image": images[:1].astype(numpy.uint8)})
    return max(deviation(found, expected), deviation(first, expected[:1]))


def main() -> None:
    failures = []
    for folder in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        computed = load_file(folder / "computed.safetensors")
        images = numpy.moveaxis(computed["images"], 1, -1)
        line = f"{folder.name:24}"
        for reader, tolerance in [(by_keras, KERAS_TOLERANCE), (by_onnx_runtime, ONNX_TOLERANCE)]:
            try:
                apart = reader(folder, images, computed["output"])
                line += f" {reader.__name__} {apart:.1e}"
                if not apart <= tolerance:
                    failures.append(f"{folder.name} {reader.__name__}: {apart:.1e} > {tolerance}")
            except Exception as error:
                line += f" {reader.__name__} failed"
                failures.append(f"{folder.name} {reader.__name__}: {error}"[:2000])
        print(line, flush=True)
    if failures:
        sys.exit("\n".join(failures))


if __name__ == "__main__":
    main()
