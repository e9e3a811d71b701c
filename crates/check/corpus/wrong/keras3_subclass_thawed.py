# expected: FIN502
import keras


class N(keras.Model):
    def __init__(self):
        super().__init__()
        self.base = keras.applications.MobileNet(include_top=False, pooling="avg")
        self.base.trainable = False
        self.head = keras.layers.Dense(3, activation="softmax")

    def call(self, x):
        return self.head(self.base(x, training=False))


n = N()
n.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
n.fit(ds)
n.base.trainable = True
n.fit(ds)
