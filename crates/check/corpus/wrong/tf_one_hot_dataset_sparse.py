# expected: FIN104
import tensorflow as tf

(x, y), _ = tf.keras.datasets.fashion_mnist.load_data()
data = tf.data.Dataset.from_tensor_slices((x, y))
data = data.map(lambda image, label: (tf.cast(image, tf.float32) / 255.0, tf.one_hot(label, 10))).batch(64)
model = tf.keras.Sequential([tf.keras.layers.Flatten(), tf.keras.layers.Dense(10, activation="softmax")])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
model.fit(data, epochs=2)
