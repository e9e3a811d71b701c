import tensorflow as tf

cross_entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)


def make_disc():
    model = tf.keras.Sequential()
    model.add(
        tf.keras.layers.Conv2D(64, (5, 5), strides=(2, 2), padding="same", input_shape=[28, 28, 1])
    )
    model.add(tf.keras.layers.LeakyReLU())
    model.add(tf.keras.layers.Dropout(0.3))
    model.add(tf.keras.layers.Flatten())
    model.add(tf.keras.layers.Dense(1))
    return model


def make_gen():
    model = tf.keras.Sequential()
    model.add(tf.keras.layers.Dense(7 * 7 * 256, use_bias=False, input_shape=(100,)))
    model.add(tf.keras.layers.Reshape((7, 7, 256)))
    model.add(
        tf.keras.layers.Conv2DTranspose(
            1, (5, 5), strides=(2, 2), padding="same", use_bias=False, activation="tanh"
        )
    )
    return model


d, g = make_disc(), make_gen()


@tf.function
def train_step(images):
    noise = tf.random.normal([256, 100])
    with tf.GradientTape() as gt, tf.GradientTape() as dt:
        fake = g(noise, training=True)
        r = d(images, training=True)
        f = d(fake, training=True)
        gl = cross_entropy(tf.ones_like(f), f)
        dl = cross_entropy(tf.ones_like(r), r) + cross_entropy(tf.zeros_like(f), f)


(train_images, _), _ = tf.keras.datasets.mnist.load_data()
train_images = (train_images.reshape(-1, 28, 28, 1).astype("float32") - 127.5) / 127.5
for batch in tf.data.Dataset.from_tensor_slices(train_images).shuffle(60000).batch(256):
    train_step(batch)
