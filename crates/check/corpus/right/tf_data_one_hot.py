import tensorflow as tf

(x, y), _ = tf.keras.datasets.mnist.load_data()


def prep(img, label):
    img = tf.cast(img, tf.float32) / 255.0
    return img[..., tf.newaxis], tf.one_hot(label, 10)


ds = (
    tf.data.Dataset.from_tensor_slices((x, y))
    .map(prep, num_parallel_calls=tf.data.AUTOTUNE)
    .shuffle(1000)
    .batch(64)
)
m = tf.keras.Sequential(
    [
        tf.keras.layers.Conv2D(8, 3, activation="relu"),
        tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(10, activation="softmax"),
    ]
)
m.compile("adam", "categorical_crossentropy", ["accuracy"])
m.fit(ds)
