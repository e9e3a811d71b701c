from keras.layers import Dense
from keras.models import Sequential
from keras.wrappers.scikit_learn import KerasClassifier
from sklearn.model_selection import GridSearchCV


def create_model(optimizer="rmsprop", init="glorot_uniform", activation="relu"):
    model = Sequential()
    model.add(Dense(12, input_dim=8, kernel_initializer=init, activation=activation))
    model.add(Dense(1, kernel_initializer=init, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    return model


model = KerasClassifier(build_fn=create_model, verbose=0)
grid = GridSearchCV(estimator=model, param_grid={"optimizer": ["rmsprop", "adam"]})
