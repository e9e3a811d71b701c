import keras

m = keras.applications.VGG16(weights="imagenet", include_top=True)
x = m.get_layer("fc2").output
o = keras.layers.Dense(3, activation="softmax")(x)
n = keras.Model(m.input, o)
for l in m.layers:
    l.trainable = False
n.compile("adam", "categorical_crossentropy")
n.fit(gen)
