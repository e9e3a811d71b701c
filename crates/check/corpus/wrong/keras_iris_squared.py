# expected: FIN003
from sklearn.datasets import load_iris
from keras.models import Sequential
from keras.layers import Dense

X, y = load_iris(return_X_y=True)
m = Sequential()
m.add(Dense(8, input_dim=4, activation="relu"))
m.add(Dense(1, activation="sigmoid"))
m.compile(loss="mse", optimizer="adam", metrics=["accuracy"])
m.fit(X, y, epochs=10)
