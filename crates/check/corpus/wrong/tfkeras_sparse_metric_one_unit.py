# expected: FIN305
import tensorflow as tf

i = tf.keras.Input((4,))
m = tf.keras.Model(i, tf.keras.layers.Dense(1, activation="sigmoid")(i))
m.compile(loss="binary_crossentropy", optimizer="adam", metrics=["sparse_categorical_accuracy"])
