import keras
from keras import ops

qs = [0.1, 0.5, 0.9]


def pinball(y, p):
    e = y - p
    return ops.mean(ops.maximum(ops.array(qs) * e, (ops.array(qs) - 1) * e))


m = keras.Sequential([keras.layers.Dense(64, activation="relu"), keras.layers.Dense(3)])
m.compile(loss=pinball, optimizer="adam")
m.fit(x, y)
