# expected: FIN107
import numpy as np
from keras.layers import Dense
from keras.models import Sequential
from sklearn.datasets import make_regression

X, y = make_regression(n_samples=1000, n_features=10)
model = Sequential([Dense(32, activation="relu", input_dim=10), Dense(3, activation="softmax")])
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
model.fit(X, y)
