import sys
from keras import layers, models

classes = int(sys.argv[1])
model = models.Sequential()
model.add(layers.Dense(64, activation="relu"))
if classes == 2:
    model.add(layers.Dense(1, activation="sigmoid"))
    loss = "binary_crossentropy"
else:
    model.add(layers.Dense(classes, activation="softmax"))
    loss = "sparse_categorical_crossentropy"
model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
