# expected: FIN105
import tensorflow as tf

train_ds = tf.keras.preprocessing.image_dataset_from_directory("flowers", image_size=(180, 180), batch_size=32)
train_ds = train_ds.map(lambda x, y: (x / 255.0, y))
model = tf.keras.Sequential([
    tf.keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
    tf.keras.layers.GlobalAveragePooling2D(),
    tf.keras.layers.Dense(5, activation="softmax"),
])
model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
model.fit(train_ds, epochs=10)
