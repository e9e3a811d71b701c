import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold
from tensorflow.keras.layers import Dense
from tensorflow.keras.models import Sequential

x, y = load_breast_cancer(return_X_y=True)
scores = []
for train, test in StratifiedKFold(n_splits=10).split(x, y):
    model = Sequential()
    model.add(Dense(12, input_dim=30, activation="relu"))
    model.add(Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    model.fit(x[train], y[train], epochs=150, batch_size=10, verbose=0)
    scores.append(model.evaluate(x[test], y[test], verbose=0)[1])
print(np.mean(scores))
