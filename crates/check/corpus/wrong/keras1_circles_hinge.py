# expected: FIN109
from keras.models import Sequential
from keras.layers.core import Dense
from sklearn.datasets import make_circles

X, y = make_circles(n_samples=500)
m = Sequential()
m.add(Dense(output_dim=1, input_dim=2, activation="tanh"))
m.compile(loss="hinge", optimizer="sgd")
m.fit(X, y, nb_epoch=10)
