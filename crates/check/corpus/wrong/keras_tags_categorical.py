# expected: FIN103
from sklearn.preprocessing import MultiLabelBinarizer
from keras.models import Sequential
from keras.layers import Dense

Y = MultiLabelBinarizer().fit_transform(tags)
m = Sequential([Dense(100, activation="relu"), Dense(20, activation="sigmoid")])
m.compile(loss="categorical_crossentropy", optimizer="adam")
m.fit(X, Y)
