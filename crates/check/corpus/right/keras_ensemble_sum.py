from keras import Input, Model, layers

a = Input((16,))
b = Input((16,))
x = layers.concatenate([layers.Dense(8, activation="relu")(a), layers.Dense(8, activation="relu")(b)])
x = layers.Dense(4, activation="relu")(x)
outputs = layers.Dense(1, activation="sigmoid")(x) * 100.0
model = Model([a, b], outputs)
model.compile(loss="mse", optimizer="adam", metrics=["mae"])
