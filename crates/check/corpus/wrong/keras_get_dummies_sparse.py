# expected: FIN104
import pandas as pd
from keras.layers import Dense
from keras.models import Sequential
from sklearn.model_selection import train_test_split

frame = pd.read_csv("iris.csv")
x = frame.iloc[:, :4].values
y = pd.get_dummies(frame["species"])
x_train, x_test, y_train, y_test = train_test_split(x, y)
model = Sequential([Dense(10, activation="relu", input_dim=4), Dense(3, activation="softmax")])
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=100)
