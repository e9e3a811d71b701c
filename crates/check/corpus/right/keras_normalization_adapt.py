import tensorflow as tf

(x, y), _ = tf.keras.datasets.cifar100.load_data()
n = tf.keras.layers.Normalization(axis=-1)
n.adapt(x)
m = tf.keras.Sequential(
    [
        n,
        tf.keras.layers.Conv2D(32, 3, activation="relu"),
        tf.keras.layers.GlobalMaxPooling2D(),
        tf.keras.layers.Dense(100, "softmax"),
    ]
)
m.compile(
    optimizer="adam",
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy", "sparse_top_k_categorical_accuracy"],
)
m.fit(x, y)
