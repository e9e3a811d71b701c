import keras
from keras import layers

disc = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(64, 4, strides=2),
        layers.LeakyReLU(),
        layers.Flatten(),
        layers.Dense(1),
    ]
)
disc.compile(loss="mse", optimizer="adam")
import numpy as np

disc.train_on_batch(imgs, np.ones((64, 1)))
disc.train_on_batch(fakes, np.zeros((64, 1)))
