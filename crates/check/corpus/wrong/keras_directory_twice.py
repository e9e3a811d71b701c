# expected: FIN203
import tensorflow as tf

train_ds = tf.keras.utils.image_dataset_from_directory("flowers", image_size=(180, 180))


def scale(image, label):
    image = tf.cast(image, tf.float32) / 255.0
    return image, label


train_ds = train_ds.map(scale)
model = tf.keras.Sequential([
    tf.keras.layers.Rescaling(1.0 / 255),
    tf.keras.layers.Conv2D(16, 3, activation="relu"),
    tf.keras.layers.GlobalAveragePooling2D(),
    tf.keras.layers.Dense(5, activation="softmax"),
])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
model.fit(train_ds, epochs=10)
