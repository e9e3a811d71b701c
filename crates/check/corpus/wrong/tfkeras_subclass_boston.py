# expected: FIN107
import tensorflow as tf

(x, y), (xt, yt) = tf.keras.datasets.boston_housing.load_data()


class M(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.d = tf.keras.layers.Dense(1)

    def call(self, x):
        return self.d(x)


m = M()
m.compile(loss="binary_crossentropy", optimizer="adam")
m.fit(x, y)
