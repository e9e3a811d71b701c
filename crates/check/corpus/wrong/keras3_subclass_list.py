# expected: FIN001
import keras


class M(keras.Model):
    def __init__(self, sizes=(32, 16)):
        super().__init__()
        self.hidden = [keras.layers.Dense(s, activation="relu") for s in sizes]
        self.out = keras.layers.Dense(1, activation="softmax")

    def call(self, x):
        for layer in self.hidden:
            x = layer(x)
        return self.out(x)


m = M()
m.compile(loss="binary_crossentropy")
