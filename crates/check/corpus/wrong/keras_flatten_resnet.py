# expected: FIN509
from keras.applications import ResNet50
from keras.layers import Dense, Flatten, Input
from keras.models import Model

base = ResNet50(weights="imagenet", include_top=False, input_shape=(224, 224, 3))
for l in base.layers:
    l.trainable = False
x = Flatten()(base.output)
x = Dense(512, activation="relu")(x)
m = Model(base.input, Dense(3, activation="softmax")(x))
m.compile(loss="categorical_crossentropy", optimizer="adam")
m.fit(gen)
