# expected: FIN009
import numpy as np
from keras.models import Sequential
from keras.layers import Dense

x = np.array([1.0, 2.0, 3.0, 4.0])
y = np.array([2.5, 4.5, 6.5, 8.5])
model = Sequential([Dense(10, activation="relu", input_shape=(1,)), Dense(1, activation="sigmoid")])
model.compile(loss="mse", optimizer="adam")
model.fit(x, y, epochs=500)
