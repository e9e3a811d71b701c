# expected: FIN008
import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

X = np.random.rand(4, 8)
y = np.array([[1, 0, 1], [1, 1, 0], [0, 0, 1], [0, 0, 0]])
model = keras.Sequential(
    [layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")]
)
model.compile(loss="categorical_crossentropy", optimizer="adam")
model.fit(X, y, epochs=10)
