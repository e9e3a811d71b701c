# expected: FIN201
import numpy as np
from keras.layers import Dense
from keras.models import Sequential

x = np.random.rand(500, 12)
y = np.random.randint(1, 6, size=500)
model = Sequential([Dense(32, activation="relu"), Dense(5, activation="softmax")])
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
model.fit(x, y)
