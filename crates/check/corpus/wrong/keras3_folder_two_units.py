# expected: FIN002
import keras

ds = keras.utils.image_dataset_from_directory(
    "d", label_mode="categorical", class_names=["a", "b", "c"]
)
m = keras.Sequential(
    [
        keras.layers.Rescaling(1 / 255),
        keras.layers.Flatten(),
        keras.layers.Dense(2, activation="softmax"),
    ]
)
m.compile(loss="categorical_crossentropy")
m.fit(ds)
