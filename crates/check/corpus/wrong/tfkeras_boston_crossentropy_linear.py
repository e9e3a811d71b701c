# expected: FIN107
from tensorflow import keras
from tensorflow.keras.datasets import boston_housing
from sklearn.preprocessing import MinMaxScaler, StandardScaler

(x_train, y_train), (x_test, y_test) = boston_housing.load_data()
mean = x_train.mean(axis=0)
x_train = (x_train - mean) / x_train.std(axis=0)


def build_model():
    model = keras.Sequential([
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(1),
    ])
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["mae"])
    return model

model = build_model()
model.fit(x_train, y_train, epochs=80, batch_size=16)
