import keras
from keras import layers

model = keras.Sequential([layers.Dense(64, activation="relu"), layers.Dense(10)])
model.layers[-1].activation = keras.activations.softmax
model.compile(loss="categorical_crossentropy", optimizer="adam")
