import pandas as pd
from keras_preprocessing.image import ImageDataGenerator as Generator
from keras import applications, layers, models
from keras.preprocessing.image import ImageDataGenerator

frame = pd.read_csv("labels.csv")
data = ImageDataGenerator(preprocessing_function=applications.resnet50.preprocess_input)
train = data.flow_from_dataframe(frame, x_col="file", y_col="breed", class_mode="categorical")
base = applications.ResNet50(include_top=False, pooling="avg")
base.trainable = False
model = models.Sequential([base, layers.Dense(120, activation="softmax")])
model.compile("adam", "categorical_crossentropy", ["accuracy"])
model.fit_generator(train, steps_per_epoch=100, epochs=5)
