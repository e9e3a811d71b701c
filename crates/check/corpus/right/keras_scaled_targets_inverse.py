from sklearn.preprocessing import MinMaxScaler
from sklearn.datasets import fetch_california_housing
from keras.models import Sequential
from keras.layers import Dense

h = fetch_california_housing()
sx, sy = MinMaxScaler(), MinMaxScaler()
X = sx.fit_transform(h.data)
y = sy.fit_transform(h.target.reshape(-1, 1))
m = Sequential([Dense(16, activation="relu"), Dense(1, activation="sigmoid")])
m.compile(loss="mse", optimizer="adam", metrics=["mae"])
m.fit(X, y)
print(sy.inverse_transform(m.predict(X)))
