#!/usr/bin/env python3
"""How often 95 % bootstrap intervals of mAP hold the true one, on made-up images.

    python bench/certainty/intervals.py    # some minutes; writes bench/certainty/INTERVALS.md

Scores of labels are normal, further up where the label is there; so the true average precision is known
from a very large sample. Percentile: the quantiles of the resampled scores. Basic: the same mirrored at
the score. Corrected (BCa): percentiles moved by bias and acceleration, the latter from leaving out one
image at a time.
"""

from pathlib import Path

import numpy as np
from scipy.stats import norm

CASES = [(60, 5), (150, 9), (300, 9)]  # images, labels
TRIALS = 400
RESAMPLES = 300
SHARES, SHIFT = (0.05, 0.4), (0.5, 2.0)


def world(labels):
    steps = np.linspace(0, 1, labels)
    return SHARES[0] + (SHARES[1] - SHARES[0]) * steps, SHIFT[0] + (SHIFT[1] - SHIFT[0]) * steps[::-1]


def drawn(images, labels, chance):
    shares, shift = world(labels)
    truth = chance.random((images, labels)) < shares
    return chance.normal(size=(images, labels)) + shift * truth, truth


def mean_average_precision(scores, truth):
    """The mean over labels that occur."""
    order = np.argsort(-scores, axis=0, kind="stable")
    hits = np.take_along_axis(truth, order, 0)
    found = hits.cumsum(0)
    precision = found / np.arange(1, len(hits) + 1)[:, None]
    positives = found[-1]
    each = (precision * hits).sum(0) / np.maximum(positives, 1)
    return each[positives > 0].mean()


def intervals(scores, truth, chance):
    """Percentile, basic, corrected."""
    images = len(scores)
    value = mean_average_precision(scores, truth)
    picks = chance.integers(0, images, (RESAMPLES, images))
    again = np.array([mean_average_precision(scores[pick], truth[pick]) for pick in picks])
    low, high = np.quantile(again, [0.025, 0.975])
    bias = norm.ppf(np.clip((again < value).mean(), 1 / RESAMPLES, 1 - 1 / RESAMPLES))
    without = np.array(
        [mean_average_precision(np.delete(scores, one, 0), np.delete(truth, one, 0)) for one in range(images)]
    )
    apart = without.mean() - without
    acceleration = (apart**3).sum() / (6 * (apart**2).sum() ** 1.5)
    moved = [bias + (bias + z) / (1 - acceleration * (bias + z)) for z in norm.ppf([0.025, 0.975])]
    corrected = np.quantile(again, norm.cdf(moved))
    return {"percentile": (low, high), "basic": (2 * value - high, 2 * value - low), "BCa": tuple(corrected)}


def main():
    text = "# Intervals of mAP\n\nMade by `python bench/certainty/intervals.py`: of 95 % intervals, how many hold "
    text += f"the true value, of {TRIALS} trials with {RESAMPLES} resamples each; and how many lie wholly above or "
    text += "below it, which should be 2.5 % each.\n\n"
    text += "| images | labels | interval | holds it | above it | below it | mean length |\n|---:|---:|---|---:|---:|---:|---:|\n"
    for images, labels in CASES:
        chance = np.random.default_rng(0)
        true = mean_average_precision(*drawn(400_000, labels, chance))
        found = [intervals(*drawn(images, labels, chance), chance) for _ in range(TRIALS)]
        for way in found[0]:
            low, high = np.array([one[way] for one in found]).T
            inside = ((low <= true) & (true <= high)).mean()
            text += f"| {images} | {labels} | {way} | {inside:.3f} | {(low > true).mean():.3f} | {(high < true).mean():.3f} | {(high - low).mean():.3f} |\n"
    print(text)
    Path(__file__).with_name("INTERVALS.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
