from keras.layers import *
from keras.models import Model

i = Input((100,))
att = Dense(100, activation="softmax")(i)
x = multiply([i, att])
x = Dense(64)(x)
o = Dense(1, activation="sigmoid")(x)
m = Model(inputs=[i], outputs=o)
m.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
