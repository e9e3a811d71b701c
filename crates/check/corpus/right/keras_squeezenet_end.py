from keras.layers import Activation, Conv2D, Dropout, GlobalAveragePooling2D, Input
from keras.models import Model

inputs = Input((224, 224, 3))
x = Conv2D(64, 3, activation="relu")(inputs)
x = Dropout(0.5)(x)
x = Conv2D(1000, 1, activation="relu")(x)
x = GlobalAveragePooling2D()(x)
model = Model(inputs, Activation("softmax")(x))
model.compile(loss="categorical_crossentropy", optimizer="sgd")
