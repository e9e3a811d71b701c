# expected: FIN103
from keras.models import Sequential
from keras.layers.core import Dense, Dropout, Activation, Flatten
from keras.layers.convolutional import Convolution2D, MaxPooling2D

m = Sequential()
m.add(Convolution2D(32, 3, 3, 3, border_mode="full"))
m.add(Activation("relu"))
m.add(Flatten())
m.add(Dense(64 * 8 * 8, 512, init="normal"))
m.add(Activation("relu"))
m.add(Dense(512, 10, init="normal"))
m.add(Activation("sigmoid"))
m.compile(loss="categorical_crossentropy", optimizer="sgd")
m.fit(X_train, Y_train, batch_size=32, nb_epoch=25, show_accuracy=True)
