# expected: FIN509
from keras.applications.vgg16 import VGG16
from keras.layers import Dense, Flatten, GlobalAveragePooling2D
from keras.models import Model

base = VGG16(weights="imagenet", include_top=False, input_shape=(224, 224, 3))
for layer in base.layers:
    layer.trainable = False
x = Dense(4096, activation="relu")(Flatten()(base.output))
model = Model(inputs=base.input, outputs=Dense(5, activation="softmax")(x))
model.compile("adam", "categorical_crossentropy")
model.fit(images, labels)
