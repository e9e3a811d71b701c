# expected: FIN104
from tensorflow.keras.preprocessing.image import ImageDataGenerator
from tensorflow.keras import layers, models

gen = ImageDataGenerator(rescale=1.0 / 255)
train = gen.flow_from_directory(
    "train", target_size=(150, 150), batch_size=32, class_mode="categorical"
)
m = models.Sequential(
    [
        layers.Conv2D(32, 3, activation="relu", input_shape=(150, 150, 3)),
        layers.Flatten(),
        layers.Dense(5, activation="softmax"),
    ]
)
m.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
m.fit(train, epochs=10)
