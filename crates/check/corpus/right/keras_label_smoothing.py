import keras
from keras.utils import to_categorical

(x, y), _ = keras.datasets.cifar10.load_data()
x = x / 255.0
y = to_categorical(y)
m = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")])
m.compile(
    loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
    optimizer="adam",
    metrics=["accuracy"],
)
m.fit(x, y)
