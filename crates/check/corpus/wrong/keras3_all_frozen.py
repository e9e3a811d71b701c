# expected: FIN503
import keras

base = keras.applications.VGG16(include_top=False, pooling="avg")
o = keras.layers.Dense(5, activation="softmax")(base.output)
m = keras.Model(base.input, o)
m.trainable = False
m.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
m.fit(ds)
