import keras
from keras import layers

base = keras.applications.EfficientNetV2B0(
    include_top=False, weights="imagenet", input_shape=(224, 224, 3)
)
base.trainable = False
i = keras.Input((224, 224, 3))
x = base(i, training=False)
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dropout(0.2)(x)
o = layers.Dense(120, activation="softmax")(x)
m = keras.Model(i, o)
m.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
m.fit(ds, epochs=10)
base.trainable = True
for l in base.layers[:-20]:
    if not isinstance(l, layers.BatchNormalization):
        l.trainable = False
m.compile(
    optimizer=keras.optimizers.Adam(1e-5), loss="categorical_crossentropy", metrics=["accuracy"]
)
m.fit(ds, epochs=5)
