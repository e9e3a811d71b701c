from keras.models import Model
from keras.layers import Input, Dense
import keras.backend as K

s = Input((4,))
h = Dense(24, activation="relu")(s)
p = Dense(2, activation="softmax")(h)
v = Dense(1, activation="linear")(h)
actor = Model(s, p)
critic = Model(s, v)
actor.compile(loss="categorical_crossentropy", optimizer="adam")
critic.compile(loss="mse", optimizer="adam")
adv = advantages
actor.fit(states, adv, epochs=1, verbose=0)
