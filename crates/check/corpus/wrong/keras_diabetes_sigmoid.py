# expected: FIN009
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from tensorflow.keras import Sequential
from tensorflow.keras.layers import Dense

diabetes = load_diabetes()
X_train, X_test, y_train, y_test = train_test_split(diabetes["data"], diabetes["target"], test_size=0.1)
model = Sequential()
model.add(Dense(128, activation="relu", input_shape=(X_train.shape[1],)))
model.add(Dense(1, activation="sigmoid"))
model.compile(optimizer="adam", loss="mae", metrics=["mse"])
model.fit(X_train, y_train, epochs=100)
