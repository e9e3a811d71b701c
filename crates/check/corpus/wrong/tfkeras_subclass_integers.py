# expected: FIN105
import tensorflow as tf

(x, y), _ = tf.keras.datasets.mnist.load_data()
x = x / 255.0


class M(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.f = tf.keras.layers.Flatten()
        self.d = tf.keras.layers.Dense(10)

    def call(self, x):
        return self.d(self.f(x))


m = M()
m.compile(loss=tf.keras.losses.CategoricalCrossentropy(from_logits=True), optimizer="adam")
m.fit(x, y)
