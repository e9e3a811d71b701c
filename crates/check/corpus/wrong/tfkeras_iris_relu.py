# expected: FIN004
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelBinarizer, LabelEncoder, OneHotEncoder, StandardScaler
from tensorflow import keras
from tensorflow.keras import layers
from tensorflow.keras.utils import to_categorical

iris = load_iris()
x = StandardScaler().fit_transform(iris.data)
y = iris.target
x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=1)

inputs = keras.Input(shape=(4,))
hidden = layers.Dense(16, activation="relu")(inputs)
outputs = layers.Dense(3, activation="relu")(hidden)
model = keras.Model(inputs=inputs, outputs=outputs)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=50, verbose=0)
