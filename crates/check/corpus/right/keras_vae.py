import keras
from keras import layers, ops


class Sampling(layers.Layer):
    def call(self, inputs):
        m, v = inputs
        return m + ops.exp(0.5 * v) * keras.random.normal(ops.shape(m))


e = keras.Input((28, 28, 1))
x = layers.Conv2D(32, 3, activation="relu", strides=2, padding="same")(e)
x = layers.Flatten()(x)
x = layers.Dense(16, activation="relu")(x)
zm = layers.Dense(2)(x)
zv = layers.Dense(2)(x)
z = Sampling()([zm, zv])
encoder = keras.Model(e, [zm, zv, z])
l = keras.Input((2,))
x = layers.Dense(7 * 7 * 64, activation="relu")(l)
x = layers.Reshape((7, 7, 64))(x)
x = layers.Conv2DTranspose(64, 3, activation="relu", strides=4, padding="same")(x)
decoder = keras.Model(l, layers.Conv2DTranspose(1, 3, activation="sigmoid", padding="same")(x))


class VAE(keras.Model):
    def __init__(self, encoder, decoder, **kw):
        super().__init__(**kw)
        self.encoder = encoder
        self.decoder = decoder

    def train_step(self, data):
        with tf.GradientTape() as tape:
            zm, zv, z = self.encoder(data)
            r = self.decoder(z)
            loss = ops.mean(ops.sum(keras.losses.binary_crossentropy(data, r), axis=(1, 2)))
        return {"loss": loss}


vae = VAE(encoder, decoder)
vae.compile(optimizer=keras.optimizers.Adam())
vae.fit(digits, epochs=30)
