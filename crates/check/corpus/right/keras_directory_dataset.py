import tensorflow as tf

train_ds = tf.keras.utils.image_dataset_from_directory("flowers", validation_split=0.2, subset="training", seed=123, image_size=(180, 180))
class_names = train_ds.class_names
train_ds = train_ds.cache().shuffle(1000).prefetch(tf.data.AUTOTUNE)
num_classes = len(class_names)
model = tf.keras.Sequential([
    tf.keras.layers.Rescaling(1.0 / 255, input_shape=(180, 180, 3)),
    tf.keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
    tf.keras.layers.MaxPooling2D(),
    tf.keras.layers.Flatten(),
    tf.keras.layers.Dense(128, activation="relu"),
    tf.keras.layers.Dense(num_classes),
])
model.compile(optimizer="adam", loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
model.fit(train_ds, epochs=10)
