# expected: FIN504
import tensorflow as tf

base = tf.keras.applications.ResNet50()
base.trainable = False
model = tf.keras.Sequential([base, tf.keras.layers.Dense(5, activation="softmax")])
model.compile("adam", "categorical_crossentropy")
model.fit(images, labels)
