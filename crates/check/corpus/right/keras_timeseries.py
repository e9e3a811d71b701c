import numpy as np
from keras.layers import LSTM, Dense
from keras.models import Sequential
from sklearn.preprocessing import MinMaxScaler

scaler = MinMaxScaler(feature_range=(0, 1))
dataset = scaler.fit_transform(values)
x, y = create_dataset(dataset, 1)
x = np.reshape(x, (x.shape[0], 1, x.shape[1]))
model = Sequential()
model.add(LSTM(4, input_shape=(1, 1)))
model.add(Dense(1))
model.compile(loss="mean_squared_error", optimizer="adam")
model.fit(x, y, epochs=100, batch_size=1, verbose=2)
