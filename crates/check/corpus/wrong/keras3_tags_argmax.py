# expected: FIN302
from sklearn.preprocessing import MultiLabelBinarizer
import keras

Y = MultiLabelBinarizer().fit_transform(tags)
i = keras.Input((100,))
o = keras.layers.Dense(20, activation="sigmoid")(i)
m = keras.Model(i, o)
m.compile(loss="binary_crossentropy", optimizer="adam", metrics=["categorical_accuracy"])
m.fit(X, Y)
