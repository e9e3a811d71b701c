from keras.layers import *
from keras.models import *

model = Sequential()
model.add(Dense(64, activation="relu", input_dim=10))
model.add(Dense(5, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
