import tensorflow as tf

train_ds = tf.keras.utils.image_dataset_from_directory("pets", label_mode="categorical", image_size=(224, 224))
base = tf.keras.applications.EfficientNetB0(include_top=False, weights="imagenet")
base.trainable = False
inputs = tf.keras.Input((224, 224, 3))
x = base(inputs, training=False)
x = tf.keras.layers.GlobalAveragePooling2D()(x)
outputs = tf.keras.layers.Dense(37, activation="softmax")(x)
model = tf.keras.Model(inputs, outputs)
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
model.fit(train_ds, epochs=3)
