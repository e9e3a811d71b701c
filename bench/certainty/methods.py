"""Ways to calibrate, and what they are measured by.

Every way takes validation logits [N, units] and targets, and gives a slope and an offset per unit.
"""

import numpy as np
from scipy.optimize import minimize

BINS = 15
FOLDS = 5


def loss_rows(task, logits, targets):
    """The log loss of each row; of several labels their mean."""
    if task == "multi-class":
        shifted = logits - logits.max(1, keepdims=True)
        log_sum = np.log(np.exp(shifted).sum(1))
        return log_sum - shifted[np.arange(len(logits)), targets[:, 0].astype(int)]
    return (np.logaddexp(0, logits) - logits * targets).mean(1)


def probabilities(task, logits):
    if task == "multi-class":
        powers = np.exp(logits - logits.max(1, keepdims=True))
        return powers / powers.sum(1, keepdims=True)
    return 1 / (1 + np.exp(-logits))


def calibration_error(task, logits, targets):
    """As `finial_task::calibration`: 15 bins of equal width; of several labels the mean."""
    found = probabilities(task, logits)
    if task == "multi-class":
        named = found.argmax(1)
        return one_error(found.max(1), named == targets[:, 0])
    return np.mean([one_error(found[:, unit], targets[:, unit] > 0.5) for unit in range(found.shape[1])])


def one_error(probability, so):
    bins = np.clip(np.ceil(probability * BINS).astype(int), 1, BINS) - 1
    total = 0.0
    for at in range(BINS):
        rows = bins == at
        if rows.any():
            total += rows.mean() * abs(probability[rows].mean() - so[rows].mean())
    return total


def beyond_chance(task, logits, targets, seed=0, draws=200):
    """The calibration error less what it would be on so many images if the probabilities held."""
    chance = np.random.default_rng(seed)
    found = probabilities(task, logits)
    total = 0.0
    for _ in range(draws):
        if task == "multi-class":
            steps = found.cumsum(1)
            drawn = (chance.random((len(found), 1)) * steps[:, -1:] > steps).sum(1, keepdims=True)
        else:
            drawn = (chance.random(found.shape) < found).astype(float)
        total += calibration_error(task, logits, drawn)
    return calibration_error(task, logits, targets) - total / draws


IDENTITY = (1.0, 0.0)


def off(task, logits, targets):
    return [IDENTITY] * logits.shape[1]


def least(cost, start):
    """The slope and the offset of least cost, the slope above 0."""
    found = minimize(cost, start, method="L-BFGS-B", bounds=[(0.01, 100), (-80, 80)][: len(start)])
    return [float(one) for one in found.x]


def temperature(logits, targets, pull=0.0):
    """One slope for all logits, 1 / T; `pull` is how much a slope of 1 is worth."""

    def cost(x):
        return loss_rows("multi-class", logits * x[0], targets).sum() + pull * (x[0] - 1) ** 2 / 2

    return least(cost, [1.0])[0]


def line(logits, targets, pull=0.0, towards=IDENTITY):
    """A slope and an offset for yes-or-no questions, which `towards` is worth something."""

    def cost(x):
        z = x[0] * logits + x[1]
        apart = (x[0] - towards[0]) ** 2 + (x[1] - towards[1]) ** 2
        return (np.logaddexp(0, z) - z * targets).sum() + pull * apart / 2

    return tuple(least(cost, list(towards)))


def platt(logits, targets):
    """A slope and an offset with Platt's targets."""
    yes, no = targets.sum(), (1 - targets).sum()
    if yes == 0 or no == 0:
        return IDENTITY
    return line(logits, np.where(targets > 0.5, (yes + 1) / (yes + 2), 1 / (no + 2)))


def fitted(task, logits, targets):
    """Temperature for classes, Platt for each label."""
    units = logits.shape[1]
    if task == "multi-class":
        return [(temperature(logits, targets), 0.0)] * units
    return [platt(logits[:, unit], targets[:, unit]) for unit in range(units)]


def pulled(pull):
    """The same, but no correction is worth something."""

    def way(task, logits, targets):
        units = logits.shape[1]
        if task == "multi-class":
            return [(temperature(logits, targets, pull), 0.0)] * units
        return [line(logits[:, unit], targets[:, unit], pull) for unit in range(units)]

    return way


def shared(pull, own=None):
    """One line for all labels together; with `own`, each has its own, to which that one is worth so
    much."""

    def way(task, logits, targets):
        units = logits.shape[1]
        if task == "multi-class" or units == 1:
            return pulled(pull)(task, logits, targets)
        together = line(logits, targets, pull)
        if own is None:
            return [together] * units
        return [line(logits[:, unit], targets[:, unit], own, together) for unit in range(units)]

    return way


def if_surely_better(errors, way=fitted):
    """`way`, but only where its log loss, found by cross-validation within the validation images, is
    lower by so many standard errors."""

    def gated(task, logits, targets):
        units = logits.shape[1]
        fold = np.arange(len(logits)) % FOLDS
        gain = np.zeros((len(logits), units if task != "multi-class" else 1))
        for held in range(FOLDS):
            out = fold == held
            lines = way(task, logits[~out], targets[~out])
            if task == "multi-class":
                gain[out, 0] = loss_rows(task, logits[out], targets[out]) - loss_rows(
                    task, corrected(logits[out], lines), targets[out]
                )
            else:
                for unit in range(units):
                    one = slice(unit, unit + 1)
                    gain[out, unit] = loss_rows(task, logits[out, one], targets[out, one]) - loss_rows(
                        task, corrected(logits[out, one], lines[one]), targets[out, one]
                    )
        mean = gain.mean(0)
        error = gain.std(0, ddof=1) / np.sqrt(len(gain))
        lines = way(task, logits, targets)
        sure = mean > errors * error
        if task == "multi-class":
            return lines if sure[0] else off(task, logits, targets)
        return [line if yes else IDENTITY for line, yes in zip(lines, sure)]

    return gated


def corrected(logits, lines):
    slopes, offsets = np.array(lines).T
    return logits * slopes + offsets


WAYS = {
    "off": off,
    "fitted: temperature, Platt": fitted,
    "pulled by 2": pulled(2.0),
    "pulled by 5": pulled(5.0),
    "pulled by 10": pulled(10.0),
    "pulled by 20": pulled(20.0),
    "pulled by 5, one line for all labels": shared(5.0),
    "pulled by 5, labels by 20 to one line (finial)": shared(5.0, 20.0),
    "fitted, if better in cross-validation": if_surely_better(0.0),
    "fitted, if better by 1 standard error": if_surely_better(1.0),
}
