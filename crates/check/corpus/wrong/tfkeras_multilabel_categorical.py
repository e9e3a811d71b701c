# expected: FIN103
import tensorflow as tf
from sklearn.datasets import make_multilabel_classification

x, y = make_multilabel_classification(n_samples=1000, n_features=20, n_classes=4)
model = tf.keras.models.Sequential()
model.add(tf.keras.layers.Dense(64, input_dim=20, activation="relu"))
model.add(tf.keras.layers.Dense(4, activation="sigmoid"))
model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["binary_accuracy"])
model.fit(x, y, epochs=10)
