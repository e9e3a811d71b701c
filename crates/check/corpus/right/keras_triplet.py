from keras import Input, Model, layers

inputs = Input((128, 128, 3))
x = layers.Conv2D(32, 3, activation="relu")(inputs)
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dropout(0.2)(layers.Dense(64)(x))
embedding = Model(inputs, x)
left, right = Input((128, 128, 3)), Input((128, 128, 3))
distance = layers.Lambda(lambda pair: abs(pair[0] - pair[1]))([embedding(left), embedding(right)])
model = Model([left, right], layers.Dense(1, activation="sigmoid")(distance))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
