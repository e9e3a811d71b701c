"""Loads repaired copies in Keras beside their originals: python compare.py FOLDER.

The folder holds NAME.keras and NAME.repaired.keras. Weights and logits must be the same; what
changed is printed.
"""

import sys
from pathlib import Path

import keras
import numpy as np

for copy in sorted(Path(sys.argv[1]).glob("*.repaired.keras")):
    name = copy.name.removesuffix(".repaired.keras")
    old = keras.models.load_model(copy.with_name(name + ".keras"))
    new = keras.models.load_model(copy)
    for one, other in zip(old.get_weights(), new.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    x = np.random.default_rng(0).random((3, *old.input_shape[1:])).astype("float32")

    def linear(model):
        last = model.layers[-1]
        before = keras.Model(model.inputs, last.input)(x)
        return keras.ops.convert_to_numpy(before @ last.kernel + last.bias)

    np.testing.assert_array_equal(linear(old), linear(new))
    answers = new.predict(x, verbose=0)
    y = np.eye(answers.shape[1])[[0] * 3]
    loss = float(new.train_on_batch(x, y)[0])
    assert np.isfinite(loss), loss
    activation = [model.layers[-1].activation.__name__ for model in (old, new)]
    losses = [getattr(m.loss, "from_logits", m.loss) for m in (old, new)]
    print(name, "activation", *activation, "loss", *losses, "sums", answers.sum(axis=1).round(4))
