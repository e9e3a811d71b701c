from keras import Input, Model, layers

inputs = Input((64,))
x = layers.Dense(32, activation="relu")(inputs)
age = layers.Dense(1, name="age")(x)
gender = layers.Dense(1, activation="sigmoid", name="gender")(x)
model = Model(inputs, [age, gender])
model.compile(optimizer="rmsprop", loss=["mse", "binary_crossentropy"], metrics={"gender": "accuracy"})
