import keras
from keras import layers


class Block(layers.Layer):
    def __init__(self, d, h, f, rate=0.1):
        super().__init__()
        self.att = layers.MultiHeadAttention(h, d)
        self.ffn = keras.Sequential([layers.Dense(f, activation="relu"), layers.Dense(d)])
        self.n1 = layers.LayerNormalization()
        self.n2 = layers.LayerNormalization()
        self.d1 = layers.Dropout(rate)
        self.d2 = layers.Dropout(rate)

    def call(self, x):
        x = self.n1(x + self.d1(self.att(x, x)))
        return self.n2(x + self.d2(self.ffn(x)))


(xt, yt), (xv, yv) = keras.datasets.imdb.load_data(num_words=20000)
i = keras.Input((200,))
x = layers.Embedding(20000, 32)(i)
x = Block(32, 2, 32)(x)
x = layers.GlobalAveragePooling1D()(x)
x = layers.Dropout(0.1)(x)
x = layers.Dense(20, activation="relu")(x)
x = layers.Dropout(0.1)(x)
o = layers.Dense(2, activation="softmax")(x)
m = keras.Model(i, o)
m.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
m.fit(xt, yt)
