# expected: FIN104
from sklearn.preprocessing import OneHotEncoder
from sklearn.datasets import load_iris
import keras

d = load_iris()
enc = OneHotEncoder(sparse_output=False)
Y = enc.fit_transform(d.target.reshape(-1, 1))
m = keras.Sequential(
    [keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3, activation="softmax")]
)
m.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
m.fit(d.data, Y)
