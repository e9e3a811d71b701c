# expected: FIN305
import tensorflow as tf

model = tf.keras.Sequential([
    tf.keras.layers.Dense(64, activation="relu"),
    tf.keras.layers.Dense(5, activation="softmax"),
])
model.compile("adam", "categorical_crossentropy", metrics=[tf.keras.metrics.TopKCategoricalAccuracy()])
