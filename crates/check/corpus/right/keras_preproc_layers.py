import keras
from keras import layers

ds = keras.utils.image_dataset_from_directory("d", label_mode="binary", image_size=(180, 180))
aug = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)])
i = keras.Input((180, 180, 3))
x = aug(i)
x = layers.Rescaling(1.0 / 255)(x)
x = layers.Conv2D(128, 3, strides=2, padding="same")(x)
x = layers.BatchNormalization()(x)
x = layers.Activation("relu")(x)
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dropout(0.25)(x)
o = layers.Dense(1, activation=None)(x)
m = keras.Model(i, o)
m.compile(
    optimizer=keras.optimizers.Adam(3e-4),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[keras.metrics.BinaryAccuracy(name="acc")],
)
m.fit(ds, epochs=25)
