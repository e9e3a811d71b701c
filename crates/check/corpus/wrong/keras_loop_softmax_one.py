# expected: FIN001
from keras.models import Sequential
from keras.layers import Dense

m = Sequential()
for i, n in enumerate([64, 32, 16, 1]):
    m.add(Dense(n, activation="relu" if i < 3 else "softmax"))
m.compile(loss="binary_crossentropy", optimizer="adam")
