import keras
import numpy as np
from keras import layers

# vae-like sampling
inp = keras.Input((784,))
h = layers.Dense(64, activation="relu")(inp)
out = layers.Dense(784, activation="sigmoid")(h)
vae = keras.Model(inp, out)
vae.compile(loss="mse", metrics=["accuracy"])
# model in dict
ms = {"a": keras.Sequential([layers.Dense(1)]), "b": keras.Sequential([layers.Dense(1, activation="sigmoid")])}
for name, m in ms.items():
    m.compile(loss={"a": "mse", "b": "binary_crossentropy"}[name])
# either by lambda
head = (lambda n: layers.Dense(1, "sigmoid") if n == 2 else layers.Dense(n, "softmax"))
m4 = keras.Sequential([head(k)])
m4.compile(loss="binary_crossentropy" if k == 2 else "categorical_crossentropy")
m5 = keras.Sequential([head(2)])
m5.compile(loss="binary_crossentropy")
# distribution targets
q = np.random.dirichlet(np.ones(5), 100)
m6 = keras.Sequential([layers.Dense(5, activation="softmax")])
m6.compile(loss="kl_divergence")
m6.fit(np.random.rand(100, 4), q)
# loops
m7 = keras.Sequential()
i = 0
while i < n:
    m7.add(layers.Dense(64, activation="relu")); i += 1
m7.add(layers.Dense(3, activation="softmax"))
m7.compile(loss="sparse_categorical_crossentropy")
# y replaced
(x, y), _ = keras.datasets.mnist.load_data()
x = (x - 127.5) / 127.5
y = (y % 2 == 0).astype("float32")
m8 = keras.Sequential([layers.Flatten(), layers.Dense(1, activation="sigmoid")])
m8.compile(loss="binary_crossentropy", metrics=["accuracy"])
m8.fit(x, y)
y2 = y.copy(); y2[y2 == 0] = -1
m9 = keras.Sequential([layers.Flatten(), layers.Dense(1, activation="tanh")])
m9.compile(loss="hinge")
m9.fit(x, y2)
# functional API branch
a = keras.Input((4,))
b = layers.Dense(1, activation="tanh")(a)
c = layers.Activation("sigmoid")(layers.Dense(1)(layers.Concatenate()([a, b])))
m10 = keras.Model(a, c); m10.compile(loss="binary_crossentropy")
# mixed precision style
o = layers.Dense(10, name="logits")(a)
o = layers.Activation("softmax", dtype="float32")(o)
m11 = keras.Model(a, o); m11.compile(loss="sparse_categorical_crossentropy")
# cross entropy with exponent
def custom(y_true, y_pred):
    return keras.losses.binary_crossentropy(y_true, y_pred, from_logits=True)
m12 = keras.Sequential([layers.Dense(1)]); m12.compile(loss=custom)
# regression on 0..1 with sigmoid and bce
t = np.random.rand(100, 1)
m13 = keras.Sequential([layers.Dense(1, activation="sigmoid")]); m13.compile(loss="binary_crossentropy"); m13.fit(t, t)
# filters classes
mask = y < 5
x14, y14 = x[mask], y[mask]
# multi-output by dict
e = keras.Model(a, {"p": layers.Dense(1)(a), "q": layers.Dense(1, activation="sigmoid")(a)})
e.compile(loss={"p": "mse", "q": "binary_crossentropy"}, metrics={"q": "accuracy"})
e.compile(loss="binary_crossentropy")
# labels in known loop
labs = []
for f in range(10):
    labs.append(f % 3)
m16 = keras.Sequential([layers.Dense(3, activation="softmax")]); m16.compile(loss="sparse_categorical_crossentropy"); m16.fit(x, np.array(labs))
# yields
def gen():
    while True:
        yield x, y
m16.fit(gen())
