"""What every peer does alike: the images, the schedule, how epochs are judged, the score.

It is finial's own plan with its defaults, so that all have the same budget: the head first, on features
that are computed once, until the validation loss stops falling; then the network from a layer on with
it, by AdamW, each block at a rate of its own, the rate up in a line and down along a cosine. The best
epoch is that of the lowest calibrated validation loss; the head alone is epoch 0.
"""

import csv
import json
import math
from pathlib import Path

import numpy as np
from PIL import Image

HIDDEN, DROPOUT, BATCH = 128, 0.2, 32
HEAD_RATE, HEAD_EPOCHS, HEAD_PATIENCE = 1e-3, 100, 10
# Those of `--fine-tune`: crates/learn/src/tune.
RATE, LEAST, HEAD_TIMES, WARMUP, DECAY, CLIP, EPSILON = 1e-4, 0.1, 3.0, 0.1, 0.01, 1.0, 1e-7
# The blocks of EfficientNet-Lite0 that a residual leads around: with each begins a block of its own.
RESIDUAL = (2, 4, 6, 7, 9, 10, 12, 13, 14)
LAST = len(RESIDUAL)
# How much no correction is worth to a calibration, and the line of all labels to that of one.
TOWARDS_NONE, TOWARDS_ALL = 5.0, 20.0


def block_of(name):
    """Of a layer, or a parameter, as finial calls it; in Keras's files its dots are underscores."""
    if name.startswith(("_conv_stem", "_bn0")):
        return 0
    parts = name.replace(".", "_").split("_")
    return sum(start <= int(parts[2]) for start in RESIDUAL) if parts[1:2] == ["blocks"] else LAST


def rate_of(name):
    return RATE * LEAST ** (1 - block_of(name) / LAST)


def factor(step, steps):
    up = max(1, round(WARMUP * steps))
    if step < up:
        return (step + 1) / up
    return 0.5 * (1 + math.cos(math.pi * min(1, (step - up) / max(1, steps - up))))


def read(table):
    """The task, and for each split images `[N, side, side, 3]` of 0 to 255 and targets `[N, W]`."""
    about = json.loads(Path(table).with_suffix(".json").read_text())
    splits = {"train": [], "validation": [], "test": []}
    with open(table, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            image = np.asarray(Image.open(Path(table).parent / row["image"]).convert("RGB"))
            splits[row["split"]].append((image, target(about, row["label"])))
    parts = [[np.stack(column) for column in zip(*splits[name])] for name in ("train", "validation", "test")]
    return about["task"], len(about["names"]), parts


def target(about, label):
    if about["task"] == "multi-label":
        held = label.split("|")
        return np.array([name in held for name in about["names"]], np.float32)
    return np.array([about["names"].index(label)], np.float32)


def units(task, names):
    return 1 if task == "binary" else names


def calibrated_loss(task, logits, targets):
    """The mean loss of validation logits `[N, units]` that were calibrated on themselves."""
    logits, targets = logits.astype(np.float64), targets.astype(np.float64)
    if task == "multi-class":
        rows, classes = np.arange(len(logits)), targets[:, 0].astype(int)

        def loss(beta):
            scaled = logits * beta
            most = scaled.max(1, keepdims=True)
            return -(scaled - most - np.log(np.exp(scaled - most).sum(1, keepdims=True)))[rows, classes].mean()

        betas = np.exp(np.linspace(-4, 4, 801))
        pulled = [loss(beta) + TOWARDS_NONE / 2 * (beta - 1) ** 2 / len(logits) for beta in betas]
        return loss(betas[int(np.argmin(pulled))])
    every = line(logits.ravel(), targets.ravel(), np.array([1.0, 0.0]), TOWARDS_NONE)
    lines = [every] * logits.shape[1]
    if logits.shape[1] > 1:
        lines = [line(*column, every, TOWARDS_ALL) for column in zip(logits.T, targets.T)]
    slopes, offsets = np.stack(lines, axis=1)
    scaled = logits * slopes + offsets
    return (np.logaddexp(0, scaled) - scaled * targets).mean()


def line(logits, truth, towards, weight):
    """Slope and offset of least log loss, pulled towards a line, by Newton's steps."""
    found = towards.copy()
    both = np.stack([logits, np.ones_like(logits)])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(found @ both, -50, 50)))
        slope = both @ (p - truth) + weight * (found - towards)
        step = np.linalg.solve((both * (p * (1 - p))) @ both.T + weight * np.eye(2), slope)
        found = found - step * min(1, 1 / np.abs(step).max()) if np.abs(step).max() > 0 else found
        if np.abs(step).max() < 1e-9:
            break
    return found


def score(task, logits, targets):
    """What the task is judged by: accuracy, area under the ROC curve, mean average precision."""
    if task == "multi-class":
        return float((logits.argmax(1) == targets[:, 0]).mean())
    if task == "binary":
        return roc_auc(logits[:, 0], targets[:, 0] > 0.5)
    held = [average_precision(logits[:, at], targets[:, at] > 0.5) for at in range(targets.shape[1])]
    return float(np.mean([value for value in held if value is not None]))


def roc_auc(scores, truth):
    ranks = np.searchsorted(np.sort(scores), scores, "left") + np.searchsorted(np.sort(scores), scores, "right") + 1
    positive = truth.sum()
    above = ranks[truth].sum() / 2 - positive * (positive + 1) / 2
    return float(above / (positive * (len(truth) - positive)))


def average_precision(scores, truth):
    if not truth.any():
        return None
    order = np.argsort(-scores, kind="stable")
    hits = truth[order].cumsum()
    # Equal scores are one step.
    last = np.append(np.diff(scores[order]) != 0, True)
    precision, recall = (hits / np.arange(1, len(hits) + 1))[last], (hits / hits[-1])[last]
    return float((np.diff(recall, prepend=0) * precision).sum())


def report(task, targets, logits, best, curve):
    print(json.dumps({"score": score(task, logits, targets), "best_epoch": best, "curve": curve}), flush=True)
