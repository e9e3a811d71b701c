import tensorflow as tf

(x, _), (xt, _) = tf.keras.datasets.fashion_mnist.load_data()
x = x.astype("float32") / 255.0


class AE(tf.keras.models.Model):
    def __init__(self, latent):
        super().__init__()
        self.encoder = tf.keras.Sequential(
            [tf.keras.layers.Flatten(), tf.keras.layers.Dense(latent, activation="relu")]
        )
        self.decoder = tf.keras.Sequential(
            [tf.keras.layers.Dense(784, activation="sigmoid"), tf.keras.layers.Reshape((28, 28))]
        )

    def call(self, x):
        return self.decoder(self.encoder(x))


ae = AE(64)
ae.compile(optimizer="adam", loss=tf.keras.losses.MeanSquaredError())
ae.fit(x, x, epochs=10)
