from keras.layers import Conv2D, Input, MaxPooling2D, UpSampling2D, concatenate
from keras.models import Model

inputs = Input((256, 256, 1))
c1 = Conv2D(64, 3, activation="relu", padding="same")(inputs)
p1 = MaxPooling2D((2, 2))(c1)
c2 = Conv2D(128, 3, activation="relu", padding="same")(p1)
u1 = concatenate([UpSampling2D((2, 2))(c2), c1], axis=3)
c3 = Conv2D(64, 3, activation="relu", padding="same")(u1)
outputs = Conv2D(1, 1, activation="sigmoid")(c3)
model = Model(inputs=[inputs], outputs=[outputs])
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
