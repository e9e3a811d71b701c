from tensorflow.keras.layers import LSTM, Bidirectional, Dense, Embedding, TimeDistributed
from tensorflow.keras.models import Sequential

model = Sequential([
    Embedding(5000, 64, mask_zero=True),
    Bidirectional(LSTM(32, return_sequences=True)),
    TimeDistributed(Dense(17, activation="softmax")),
])
model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
