# expected: FIN501
from keras.applications.resnet50 import ResNet50
from keras.layers import Dense, Flatten, GlobalAveragePooling2D
from keras.models import Model

base = ResNet50(weights=None, include_top=False)
for layer in base.layers:
    layer.trainable = False
x = GlobalAveragePooling2D()(base.output)
model = Model(inputs=base.input, outputs=Dense(5, activation="softmax")(x))
model.compile("adam", "categorical_crossentropy")
model.fit(images, labels)
