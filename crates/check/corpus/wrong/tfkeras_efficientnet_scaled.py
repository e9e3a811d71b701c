# expected: FIN204
import tensorflow as tf

base = tf.keras.applications.EfficientNetB0(include_top=False, pooling="avg")
base.trainable = False
model = tf.keras.Sequential([tf.keras.layers.Rescaling(1 / 255), base, tf.keras.layers.Dense(5, activation="softmax")])
model.compile("adam", "categorical_crossentropy")
