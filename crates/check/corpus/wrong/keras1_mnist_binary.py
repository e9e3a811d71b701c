# expected: FIN108
from keras.datasets import mnist
from keras.utils import np_utils
from keras.models import Sequential
from keras.layers import Dense, Flatten

(x, y), (xt, yt) = mnist.load_data()
x = x / 255.0
y = np_utils.to_categorical(y)
m = Sequential()
m.add(Flatten(input_shape=(28, 28)))
m.add(Dense(10, activation="sigmoid"))
m.compile(loss="binary_crossentropy", optimizer="adam")
m.fit(x, y, nb_epoch=1)
