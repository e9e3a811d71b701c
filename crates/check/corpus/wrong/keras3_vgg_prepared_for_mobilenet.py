# expected: FIN204
import keras

base = keras.applications.VGG16(include_top=False, weights="imagenet")
base.trainable = False
i = keras.Input((224, 224, 3))
x = keras.applications.mobilenet_v2.preprocess_input(i)
x = base(x, training=False)
x = keras.layers.GlobalAveragePooling2D()(x)
o = keras.layers.Dense(5, activation="softmax")(x)
m = keras.Model(i, o)
m.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
m.fit(ds)
