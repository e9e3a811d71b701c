from keras.models import Sequential
from keras.layers import LSTM, Dense, TimeDistributed, Bidirectional, Embedding

m = Sequential()
m.add(Embedding(5000, 64, mask_zero=True))
m.add(Bidirectional(LSTM(64, return_sequences=True)))
m.add(TimeDistributed(Dense(1, activation="sigmoid")))
m.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
