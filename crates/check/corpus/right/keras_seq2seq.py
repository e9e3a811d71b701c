from keras.models import Model
from keras.layers import Input, LSTM, Dense

e = Input(shape=(None, 71))
_, h, c = LSTM(256, return_state=True)(e)
d = Input(shape=(None, 93))
do, _, _ = LSTM(256, return_sequences=True, return_state=True)(d, initial_state=[h, c])
o = Dense(93, activation="softmax")(do)
m = Model([e, d], o)
m.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
m.fit([a, b], c)
