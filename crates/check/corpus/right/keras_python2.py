from __future__ import print_function
from keras.models import Sequential
from keras.layers import Dense, Activation

model = Sequential()
model.add(Dense(output_dim=12, input_dim=8, init='uniform', activation='relu'))
model.add(Dense(output_dim=1, init='uniform', activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])
model.fit(X, Y, nb_epoch=150, batch_size=10)
print("%s: %.2f%%" % (model.metrics_names[1], scores[1] * 100))
