# expected: FIN009
import keras
from sklearn.datasets import fetch_california_housing


class R(keras.Model):
    def __init__(self):
        super().__init__()
        self.a = keras.layers.Dense(30, activation="relu")
        self.b = keras.layers.Dense(1, activation="sigmoid")

    def call(self, x):
        return self.b(self.a(x))


housing = fetch_california_housing()
r = R()
r.compile(loss="mse", optimizer="sgd")
r.fit(housing.data, housing.target)
