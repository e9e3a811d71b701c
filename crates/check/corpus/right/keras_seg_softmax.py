import tensorflow as tf
from tensorflow.keras import layers

i = tf.keras.Input((128, 128, 3))
x = layers.Rescaling(1.0 / 255)(i)
x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
x = layers.Conv2D(21, 1)(x)
o = layers.Softmax(axis=-1)(x)
m = tf.keras.Model(i, o)
m.compile(
    loss="sparse_categorical_crossentropy",
    optimizer="adam",
    metrics=["accuracy", tf.keras.metrics.MeanIoU(num_classes=21)],
)
m.fit(ds)
