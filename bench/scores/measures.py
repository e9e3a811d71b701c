"""The metrics that finial and the baseline are compared by, and their sampling error.

Names and definitions are those of finial's `metrics`; each value is computed by scikit-learn.
"""

from dataclasses import dataclass
from collections.abc import Callable

import numpy as np
from sklearn import metrics

BOOTSTRAPS = 1000


@dataclass(frozen=True)
class Measure:
    """A metric of the test split; `of` takes targets and predictions."""

    name: str
    higher_is_better: bool
    of: Callable


def log_loss(targets, probabilities):
    """Mean negative log probability, in nats, of classes `[N]` under probabilities `[N, C]`."""
    chosen = probabilities[np.arange(len(targets)), targets]
    return -np.log(np.clip(chosen, np.finfo(np.float32).eps, 1)).mean()


def mean_average_precision(targets, probabilities):
    shown = targets.any(axis=0)  # a label without positives has no precision to average
    return metrics.average_precision_score(targets[:, shown], probabilities[:, shown], average="macro")


# Per task, the metric that matters most first.
MEASURES = {
    "multi-class": [
        Measure("accuracy", True, lambda t, p: metrics.accuracy_score(t, p.argmax(axis=1))),
        Measure("macro_f1", True, lambda t, p: metrics.f1_score(t, p.argmax(axis=1), average="macro")),
        Measure("log_loss", False, log_loss),
    ],
    "binary": [
        Measure("roc_auc", True, lambda t, p: metrics.roc_auc_score(t, p[:, 1])),
        Measure("pr_auc", True, lambda t, p: metrics.average_precision_score(t, p[:, 1])),
        Measure("accuracy", True, lambda t, p: metrics.accuracy_score(t, p[:, 1] >= 0.5)),
        Measure("f1", True, lambda t, p: metrics.f1_score(t, p[:, 1] >= 0.5)),
        Measure("log_loss", False, log_loss),
        Measure("brier_score", False, lambda t, p: np.mean((p[:, 1] - t) ** 2)),
    ],
    "multi-label": [
        Measure("mean_average_precision", True, mean_average_precision),
        Measure("micro_f1", True, lambda t, p: metrics.f1_score(t, p >= 0.5, average="micro")),
        Measure("macro_f1", True, lambda t, p: metrics.f1_score(t, p >= 0.5, average="macro")),
    ],
    "regression": [
        Measure("mae", False, metrics.mean_absolute_error),
        Measure("rmse", False, metrics.root_mean_squared_error),
        Measure("r2", True, metrics.r2_score),
    ],
}


def standard_error(measure, targets, predictions, seed=0):
    """One standard error of the score: how far it varies over test sets drawn anew from this one.

    Draws in which the metric is not defined, such as those of a single class, are left out.
    """
    chance = np.random.default_rng(seed)
    scores = []
    for _ in range(BOOTSTRAPS):
        drawn = chance.integers(len(targets), size=len(targets))
        if targets.ndim == 1 and len(np.unique(targets[drawn])) < 2:
            continue
        scores.append(measure.of(targets[drawn], predictions[drawn]))
    return float(np.std(scores, ddof=1))
