import numpy as np
from keras.layers import Dense
from keras.models import Sequential

x = np.random.random((1000, 20))
y = np.random.randint(2, size=(1000, 5))
flags = np.random.rand(1000, 5) > 0.5
model = Sequential([Dense(64, activation="relu"), Dense(5, activation="sigmoid")])
model.compile(loss="binary_crossentropy", optimizer="rmsprop", metrics=["binary_accuracy"])
model.fit(x, y, epochs=20)
model.fit(x, flags, epochs=20)
