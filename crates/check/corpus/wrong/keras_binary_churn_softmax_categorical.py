# expected: FIN001, FIN101
import numpy as np
import pandas as pd
from keras.layers import Dense, Dropout
from keras.models import Sequential
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

data = pd.read_csv("churn.csv")
x = data.drop("churned", axis=1).values
y = data["churned"].values
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2)
scaler = StandardScaler()
x_train = scaler.fit_transform(x_train)
x_test = scaler.transform(x_test)

model = Sequential()
model.add(Dense(32, activation="relu", input_shape=(x.shape[1],)))
model.add(Dropout(0.3))
model.add(Dense(1, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(x_train, y_train, validation_data=(x_test, y_test), epochs=20, batch_size=32)
print(model.evaluate(x_test, y_test))
