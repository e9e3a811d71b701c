import numpy as np, keras

y = np.random.randint(0, 2, size=(100, 20))
m = keras.Sequential(
    [
        keras.layers.Embedding(100, 8),
        keras.layers.LSTM(8, return_sequences=True),
        keras.layers.Dense(2, activation="softmax"),
    ]
)
m.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
m.fit(x, y)
