import keras
from keras import layers

i = keras.Input((64,))
h = layers.Dense(32, activation="relu")(i)
age = layers.Dense(1, name="age")(h)
sex = layers.Dense(1, activation="sigmoid", name="sex")(h)
job = layers.Dense(7, activation="softmax", name="job")(h)
m = keras.Model(i, [age, sex, job])
m.compile(
    optimizer="adam",
    loss=["mse", "binary_crossentropy", "categorical_crossentropy"],
    loss_weights=[0.25, 10, 1],
    metrics=[["mae"], ["accuracy"], ["accuracy"]],
)
m.fit(x, [ages, sexes, jobs])
