from keras.layers import Dense
from keras.models import Sequential

critic = Sequential([Dense(64, activation="relu"), Dense(1, activation="sigmoid")])
critic.compile("adam", "binary_crossentropy")
critic.trainable = False
both = Sequential([generator, critic])
both.compile("adam", "binary_crossentropy")
critic.train_on_batch(x, y)
both.train_on_batch(noise, y)
