from keras.applications import MobileNet
from keras.applications.mobilenet import preprocess_input
from keras.layers import Dense
from keras.models import Model
from keras.preprocessing.image import ImageDataGenerator

data = ImageDataGenerator(preprocessing_function=preprocess_input).flow_from_directory("photos")
base = MobileNet(include_top=False, pooling="avg")
base.trainable = False
model = Model(base.input, Dense(5, activation="softmax")(base.output))
model.compile("adam", "categorical_crossentropy")
model.fit_generator(data)
