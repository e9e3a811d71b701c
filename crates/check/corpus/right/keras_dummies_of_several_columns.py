import pandas as pd
from keras.layers import Dense
from keras.models import Sequential
from sklearn.preprocessing import OneHotEncoder

frame = pd.read_csv("survey.csv")
x = frame[["age", "income"]].values
y = pd.get_dummies(frame[["colour", "size"]])
z = OneHotEncoder(sparse_output=False).fit_transform(frame[["colour", "size"]])
model = Sequential([Dense(64, activation="relu"), Dense(7, activation="sigmoid")])
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["binary_accuracy"])
model.fit(x, y)
model.fit(x, z)
