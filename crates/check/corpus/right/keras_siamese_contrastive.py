import keras
from keras import ops, layers

(x, y), _ = keras.datasets.mnist.load_data()
x = x.astype("float32") / 255


def emb():
    i = keras.Input((28, 28, 1))
    h = layers.Conv2D(4, 5, activation="tanh")(i)
    h = layers.Flatten()(h)
    return keras.Model(i, layers.Dense(10, activation="tanh")(h))


e = emb()
a, b = keras.Input((28, 28, 1)), keras.Input((28, 28, 1))
d = layers.Lambda(
    lambda v: ops.sqrt(ops.maximum(ops.sum(ops.square(v[0] - v[1]), axis=1, keepdims=True), 1e-7))
)([e(a), e(b)])
n = layers.BatchNormalization()(d)
o = layers.Dense(1, activation="sigmoid")(n)
siamese = keras.Model([a, b], o)


def loss(margin=1):
    def contrastive_loss(y_true, y_pred):
        return ops.mean(
            (1 - y_true) * ops.square(y_pred) + y_true * ops.square(ops.maximum(margin - y_pred, 0))
        )

    return contrastive_loss


siamese.compile(loss=loss(), optimizer="RMSprop", metrics=["accuracy"])
siamese.fit([pa, pb], labels)
