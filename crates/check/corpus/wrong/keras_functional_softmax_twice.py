# expected: FIN006
from keras.layers import Input, Dense, Activation
from keras.models import Model

i = Input(shape=(4,))
o = Dense(3, activation="softmax")(i)
o = Activation("softmax")(o)
m = Model(i, o)
m.compile(loss="categorical_crossentropy", optimizer="adam")
