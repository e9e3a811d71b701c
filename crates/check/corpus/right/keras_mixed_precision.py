import tensorflow as tf
from tensorflow.keras import layers, mixed_precision

mixed_precision.set_global_policy("mixed_float16")
(x, y), _ = tf.keras.datasets.mnist.load_data()
x = x.reshape(60000, 784).astype("float32") / 255
i = tf.keras.Input((784,))
h = layers.Dense(4096, activation="relu")(i)
h = layers.Dense(10, name="dense_logits")(h)
o = layers.Activation("softmax", dtype="float32", name="predictions")(h)
m = tf.keras.Model(i, o)
m.compile(
    loss="sparse_categorical_crossentropy",
    optimizer=tf.keras.optimizers.RMSprop(),
    metrics=["accuracy"],
)
m.fit(x, y)
