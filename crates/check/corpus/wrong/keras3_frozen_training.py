# expected: FIN505
import keras

base = keras.applications.EfficientNetB0(include_top=False, pooling="avg")
base.trainable = False
inputs = keras.Input((224, 224, 3))
head = keras.Sequential([keras.layers.Dense(5, activation="softmax")])
model = keras.Model(inputs, head(base(inputs, training=True)))
model.compile("adam", "categorical_crossentropy")
