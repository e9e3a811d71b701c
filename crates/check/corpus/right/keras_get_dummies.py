import pandas as pd
from keras.layers import Dense
from keras.models import Sequential

frame = pd.read_csv("iris.csv")
x = frame.iloc[:, :4].values
y = pd.get_dummies(frame["species"]).values
model = Sequential([Dense(10, activation="relu", input_dim=4), Dense(3, activation="softmax")])
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(x, y, epochs=100)
