from tensorflow.keras.applications import VGG16
from tensorflow.keras.layers import Dense, Dropout, Flatten, GlobalAveragePooling2D
from tensorflow.keras.models import Model, Sequential
from tensorflow.keras.preprocessing.image import ImageDataGenerator

train = ImageDataGenerator(rescale=1.0 / 255, horizontal_flip=True)
train_data = train.flow_from_directory("data/train", target_size=(150, 150), batch_size=20, class_mode="categorical")

base = VGG16(weights="imagenet", include_top=False, input_shape=(150, 150, 3))
base.trainable = False
x = GlobalAveragePooling2D()(base.output)
x = Dense(256, activation="relu")(x)
outputs = Dense(5, activation="softmax")(x)
model = Model(base.input, outputs)
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(train_data, epochs=10)
