# expected: FIN002
from keras import layers, models
from keras.datasets import reuters

(train_data, train_labels), (test_data, test_labels) = reuters.load_data(num_words=10000)
x_train = vectorize(train_data)
model = models.Sequential([layers.Dense(64, activation="relu"), layers.Dense(45, activation="softmax")])
model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, train_labels, epochs=9, batch_size=512)
