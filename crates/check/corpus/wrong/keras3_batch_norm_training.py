# expected: FIN505
import keras

base = keras.applications.ResNet50(include_top=False, pooling="avg")
base.trainable = False
i = keras.Input((224, 224, 3))
x = base(i, training=True)
m = keras.Model(i, keras.layers.Dense(5, activation="softmax")(x))
m.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
m.fit(ds)
