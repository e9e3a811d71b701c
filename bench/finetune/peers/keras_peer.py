#!/usr/bin/env python3
"""Keras on TensorFlow, on the network that finial exports to it.

    keras_peer.py MODEL.keras TABLE head|last-block|all EPOCHS SEED
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import plan

# The layer behind which the last block begins.
CUT = f"_blocks_{plan.RESIDUAL[-1] - 1}__add"


def divided(file, way):
    """What stays frozen, and what is trained, both ending before the head."""
    whole = keras.models.load_model(file, compile=False)
    pooled = whole.get_layer("pool").output
    cut = {"all": whole.inputs[0], "last-block": None, "head": pooled}[way]
    cut = whole.get_layer(CUT).output if cut is None else cut
    frozen = None if way == "all" else keras.Model(whole.inputs, cut)
    tail = None if way == "head" else keras.Model(cut, pooled)
    return frozen, tail


def new_head(features, units):
    return keras.Sequential([
        keras.Input((features,)),
        layers.Dropout(plan.DROPOUT),
        layers.Dense(plan.HIDDEN, activation="relu"),
        layers.Dense(units),
    ])


def loss_of(task, logits, targets):
    if task == "multi-class":
        return tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(targets[:, 0], tf.int32), logits)
        )
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(targets, logits))


def run(model, images):
    if model is None:
        return images
    parts = [images[at : at + plan.BATCH] for at in range(0, len(images), plan.BATCH)]
    return np.concatenate([model(part, training=False).numpy() for part in parts])


def batches(count, chance):
    order = chance.permutation(count)
    return [order[at : at + plan.BATCH] for at in range(0, count, plan.BATCH)]


def train_head(task, units, features, targets, chance):
    head = new_head(features[0].shape[1], units)
    adam = keras.optimizers.Adam(plan.HEAD_RATE)
    adam.build(head.trainable_variables)

    @tf.function(reduce_retracing=True)
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(task, head(x, training=True), y)
        adam.apply(tape.gradient(loss, head.trainable_variables))

    best, lowest, since = None, float("inf"), 0
    for _ in range(plan.HEAD_EPOCHS):
        for rows in batches(len(features[0]), chance):
            step(features[0][rows], targets[0][rows])
        loss = float(loss_of(task, run(head, features[1]), targets[1]))
        since += 1
        if loss < lowest:
            best, lowest, since = head.get_weights(), loss, 0
        if since > plan.HEAD_PATIENCE:
            break
    head.set_weights(best)
    return head


def tune(task, tail, head, seen, targets, epochs, chance):
    """The best weights of the epochs, the head alone being epoch 0, are left in the network."""
    # An optimiser has one rate: one for each rate, and one more where nothing decays.
    groups = {}
    for model in (tail, head):
        for layer in model.layers:
            rate = plan.HEAD_TIMES * plan.RATE if model is head else plan.rate_of(layer.name)
            for variable in layer.trainable_variables:
                decays = variable.name in ("kernel", "depthwise_kernel")
                groups.setdefault((rate, plan.DECAY if decays else 0.0), []).append(variable)
    variables = [variable for group in groups.values() for variable in group]
    adams = []
    for (rate, decay), group in groups.items():
        adam = keras.optimizers.AdamW(rate, weight_decay=decay)
        adam.build(group)
        adams.append((rate, adam, len(group)))

    @tf.function(reduce_retracing=True)
    def step(x, y):
        with tf.GradientTape() as tape:
            # Batch norms stay as they are; of all layers only the head drops anything.
            loss = loss_of(task, head(tail(x, training=False), training=True), y)
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, [v.value for v in variables]), plan.CLIP)
        at = 0
        for _, adam, count in adams:
            adam.apply(gradients[at : at + count])
            at += count

    answer = lambda part: run(head, run(tail, part))  # noqa: E731
    steps, done, curve, best = epochs * -(-len(seen[0]) // plan.BATCH), 0, [], None
    for epoch in range(epochs + 1):
        for rows in batches(len(seen[0]), chance) if epoch else ():
            for rate, adam, _ in adams:
                adam.learning_rate.assign(rate * plan.factor(done, steps))
            step(seen[0][rows], targets[0][rows])
            done += 1
        curve.append(float(plan.calibrated_loss(task, answer(seen[1]), targets[1])))
        if min(curve) == curve[-1]:
            best = epoch, tail.get_weights(), head.get_weights()
    tail.set_weights(best[1])
    head.set_weights(best[2])
    return best[0], answer(seen[2]), curve


def main(file, table, way, epochs, seed):
    keras.utils.set_random_seed(int(seed))
    chance = np.random.default_rng(int(seed))
    task, count, parts = plan.read(table)
    targets = [targets for _, targets in parts]
    frozen, tail = divided(file, way)
    seen = [run(frozen, images.astype(np.float32)) for images, _ in parts]
    pooled = [run(tail, part) for part in seen]
    head = train_head(task, plan.units(task, count), pooled, targets, chance)
    if way == "head":
        plan.report(task, targets[2], run(head, pooled[2]), 0, [])
        return
    best, logits, curve = tune(task, tail, head, seen, targets, int(epochs), chance)
    plan.report(task, targets[2], logits, best, curve)


if __name__ == "__main__":
    main(*sys.argv[1:])
