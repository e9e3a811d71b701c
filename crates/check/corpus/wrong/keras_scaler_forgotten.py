# expected: FIN205
import pandas as pd
from keras.layers import Dense
from keras.models import Sequential
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

frame = pd.read_csv("houses.csv")
x = frame.drop(columns="price").values
y = frame["price"].values
x_train, x_test, y_train, y_test = train_test_split(x, y)
scaler = StandardScaler()
x_train_scaled = scaler.fit_transform(x_train)
x_test_scaled = scaler.transform(x_test)
model = Sequential([Dense(64, activation="relu"), Dense(1)])
model.compile("adam", "mse", metrics=["mae"])
model.fit(x_train, y_train, epochs=20)
