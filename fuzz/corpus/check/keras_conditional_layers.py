# expected: FIN004
import argparse
from keras import layers, models

parser = argparse.ArgumentParser()
parser.add_argument("--deep", action="store_true")
args = parser.parse_args()
model = models.Sequential()
model.add(layers.Dense(64, activation="relu"))
if args.deep:
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dropout(0.2))
model.add(layers.Dense(3))
model.compile("adam", "sparse_categorical_crossentropy")
