# expected: FIN205
from sklearn.preprocessing import MinMaxScaler
from keras.models import Sequential
from keras.layers import Dense

sx = MinMaxScaler()
sy = MinMaxScaler()
X = sx.fit_transform(X)
y_scaled = sy.fit_transform(y)
m = Sequential([Dense(10, activation="relu"), Dense(1)])
m.compile(loss="mse", optimizer="adam")
m.fit(X, y, epochs=100)
