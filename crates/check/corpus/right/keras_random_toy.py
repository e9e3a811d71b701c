import numpy as np
from keras.layers import Dense, Dropout
from keras.models import Sequential

x_train = np.random.random((1000, 20))
y_train = np.random.randint(2, size=(1000, 1))
model = Sequential()
model.add(Dense(64, input_dim=20, activation="relu"))
model.add(Dropout(0.5))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=20, batch_size=128)
