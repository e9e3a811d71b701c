# expected: FIN001
import os

os.environ["KERAS_BACKEND"] = "jax"
import keras


class Net(keras.Model):
    def __init__(self, units=32):
        super(Net, self).__init__()
        self.d1 = keras.layers.Dense(units, activation="relu")
        self.d2 = keras.layers.Dense(1)

    def call(self, x):
        x = self.d1(x)
        return keras.ops.softmax(self.d2(x))


net = Net()
net.compile(optimizer="adam", loss=keras.losses.BinaryCrossentropy())
