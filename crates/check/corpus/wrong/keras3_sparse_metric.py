# expected: FIN304
import keras

i = keras.Input((4,))
m = keras.Model(i, keras.layers.Dense(3, activation="softmax")(i))
m.compile(
    loss="categorical_crossentropy",
    optimizer="adam",
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
)
