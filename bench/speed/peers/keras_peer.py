#!/usr/bin/env python3
"""Keras on TensorFlow.

    keras_peer.py weights NETWORK FILE.weights.h5       random weights from a fixed seed, for all programs
    keras_peer.py features NETWORK WEIGHTS PIXELS SECONDS
    keras_peer.py article NETWORK WEIGHTS DATA          the frozen base inside the model, in every epoch
    keras_peer.py once NETWORK WEIGHTS DATA             features computed once, then the head alone
    keras_peer.py predict MODEL.keras IMAGE SIDE

NETWORK is a name of `NETWORKS`, or a `.keras` file that finial exported; WEIGHTS is then not read.
DATA has the folders `train`, `validation` and `test`, each with a folder for each class.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
from keras import applications, layers

import clock

NETWORKS = {
    "vgg16": (applications.VGG16, applications.vgg16, 224),
    "resnet50": (applications.ResNet50, applications.resnet50, 224),
    "inception-v3": (applications.InceptionV3, applications.inception_v3, 299),
    "mobilenet-v2": (applications.MobileNetV2, applications.mobilenet_v2, 224),
}
BATCH, EPOCHS = 32, 10


def backbone(network, weights):
    """The frozen part from pixels of 0 to 255 to features, and the side of its pictures."""
    if network.endswith(".keras"):
        whole = keras.models.load_model(network, compile=False)
        base = keras.Model(whole.inputs, whole.get_layer("pool").output)
        base.trainable = False
        return base, whole.input_shape[1]
    make, family, side = NETWORKS[network]
    base = make(weights=None, include_top=False, input_shape=(side, side, 3))
    base.load_weights(weights)
    base.trainable = False
    pixels = keras.Input((side, side, 3))
    features = layers.GlobalAveragePooling2D()(base(family.preprocess_input(pixels), training=False))
    return keras.Model(pixels, features), side


def weights(network, file):
    make, _, side = NETWORKS[network]
    keras.utils.set_random_seed(0)
    make(weights=None, include_top=False, input_shape=(side, side, 3)).save_weights(file)


def features(network, weights, pixels, seconds):
    base, side = backbone(network, weights)
    images = clock.pictures(pixels, side)
    run = lambda: base.predict(images, batch_size=BATCH, verbose=0)  # noqa: E731
    clock.report(images_per_second=clock.rate(run, len(images), float(seconds)))


def splits(data, side):
    """Train, validation and test, decoded anew in every epoch, and the number of classes."""
    load = lambda split, shuffle: keras.utils.image_dataset_from_directory(  # noqa: E731
        os.path.join(data, split),
        image_size=(side, side),
        batch_size=BATCH,
        label_mode="categorical",
        shuffle=shuffle,
        seed=0,
        verbose=False,
    )
    parts = [load("train", True), load("validation", False), load("test", False)]
    return parts, len(parts[0].class_names)


def compiled(model):
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def article(network, weights, data):
    keras.utils.set_random_seed(0)
    base, side = backbone(network, weights)
    (train, validation, test), classes = splits(data, side)
    model = keras.Sequential([base, layers.Dense(128, activation="relu"), layers.Dense(classes, activation="softmax")])
    compiled(model).fit(train, validation_data=validation, epochs=EPOCHS, verbose=0)
    clock.report(accuracy=model.evaluate(test, verbose=0)[1])


def once(network, weights, data):
    keras.utils.set_random_seed(0)
    base, side = backbone(network, weights)
    parts, classes = splits(data, side)
    seen = []
    for part in parts:
        rows = [(base.predict_on_batch(images), labels) for images, labels in part]
        seen.append([np.concatenate(column) for column in zip(*rows)])
    head = keras.Sequential([layers.Dense(128, activation="relu"), layers.Dense(classes, activation="softmax")])
    compiled(head).fit(*seen[0], validation_data=seen[1], batch_size=BATCH, epochs=EPOCHS, verbose=0)
    clock.report(accuracy=head.evaluate(*seen[2], verbose=0)[1])


def predict(model, image, side):
    model = keras.models.load_model(model, compile=False)
    picture = keras.utils.img_to_array(keras.utils.load_img(image, target_size=(int(side), int(side))))
    clock.report(answer=int(model.predict(picture[None], verbose=0).argmax()))


if __name__ == "__main__":
    {one.__name__: one for one in (weights, features, article, once, predict)}[sys.argv[1]](*sys.argv[2:])
