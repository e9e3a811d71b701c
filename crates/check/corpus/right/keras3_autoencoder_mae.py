import keras
from keras import layers

(x, _), _ = keras.datasets.cifar10.load_data()
x = x / 255.0
i = keras.Input((32, 32, 3))
h = layers.Conv2D(32, 3, activation="relu", padding="same")(i)
h = layers.MaxPooling2D()(h)
h = layers.UpSampling2D()(h)
o = layers.Conv2D(3, 3, activation="sigmoid", padding="same")(h)
m = keras.Model(i, o)
m.compile(optimizer="adam", loss="binary_crossentropy", metrics=["mae"])
m.fit(x, x)
