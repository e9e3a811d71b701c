# expected: FIN103
import tensorflow as tf


class M(tf.keras.Model):
    def __init__(self):
        super(M, self).__init__()
        self.c = tf.keras.layers.Conv2D(8, 3, activation="relu")
        self.f = tf.keras.layers.Flatten()
        self.d = tf.keras.layers.Dense(10, activation="sigmoid")

    def call(self, x):
        return self.d(self.f(self.c(x)))


m = M()
m.compile("adam", loss=tf.keras.losses.CategoricalCrossentropy())
