"""Writes golden_honesty.json: calibration, thresholds, intervals, conformal sets and suspects as
scikit-learn, MAPIE, cleanlab and SciPy compute them.

    python -m pip install numpy==2.4.6 scikit-learn==1.9.1 scipy==1.17.1 mapie==1.6.0 cleanlab==2.9.0 statsmodels==0.15.0
    python crates/task/tests/golden/make_honesty.py

Made with Python 3.11. The script is deterministic: running it again leaves the file as it is.
Inputs are written as float32 values, so that both sides work on the same numbers.
"""

import json
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import scipy.stats
from cleanlab.filter import find_label_issues
from mapie.classification import SplitConformalClassifier
from mapie.metrics.calibration import expected_calibration_error
from mapie.regression import SplitConformalRegressor
from sklearn import metrics as sk
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from statsmodels.stats.proportion import proportion_confint

PINNED = {
    "numpy": "2.4.6",
    "scikit-learn": "1.9.1",
    "scipy": "1.17.1",
    "mapie": "1.6.0",
    "cleanlab": "2.9.0",
    "statsmodels": "0.15.0",
}
for package, pinned in PINNED.items():
    assert version(package) == pinned, (package, version(package))

warnings.simplefilter("ignore")

OUT = Path(__file__).with_name("golden_honesty.json")
# MAPIE counts the edges, of which 0 is one.
EDGES = 16
rng = np.random.default_rng(20261125)


def f32(values):
    return np.asarray(values, dtype=np.float32)


def softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return f32(e / e.sum(axis=1, keepdims=True))


def sigmoid(logits):
    return f32(1 / (1 + np.exp(-np.asarray(logits, dtype=np.float64))))


class Logits(ClassifierMixin, BaseEstimator):
    """A classifier whose decision function is its input."""

    def __init__(self, classes):
        self.classes = classes

    def fit(self, x, y):
        self.classes_ = np.arange(self.classes)
        return self

    def decision_function(self, x):
        return x[:, 0] if self.classes == 2 else x

    def predict(self, x):
        return (x[:, 0] > 0).astype(int) if self.classes == 2 else x.argmax(axis=1)


class Probabilities(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are its input."""

    def fit(self, x, y):
        self.classes_ = np.arange(x.shape[1])
        return self

    def predict_proba(self, x):
        return x

    def predict(self, x):
        return x.argmax(axis=1)


class Numbers(RegressorMixin, BaseEstimator):
    """A regression whose prediction is its input."""

    def fit(self, x, y):
        self.fitted_ = True
        return self

    def predict(self, x):
        return x[:, 0]


def calibrated(logits, targets, method):
    """scikit-learn's calibrator, fitted on the logits in double precision."""
    wide = logits.astype(np.float64)
    classes = 2 if method == "sigmoid" else logits.shape[1]
    estimator = Logits(classes).fit(wide, targets)
    # Not an ensemble: one calibrator for the logits of all folds.
    fitted = CalibratedClassifierCV(FrozenEstimator(estimator), method=method, ensemble=False, cv=2)
    return fitted.fit(wide, targets).calibrated_classifiers_[0].calibrators[0]


def temperature(name, logits, targets):
    logits, targets = f32(logits), np.asarray(targets)
    beta = calibrated(logits, targets, "temperature").beta_
    return {
        "name": name,
        "classes": logits.shape[1],
        "logits": logits.ravel().tolist(),
        "targets": targets.tolist(),
        "temperature": float(1 / beta),
    }


def platt(name, logits, targets):
    logits, targets = f32(logits), np.asarray(targets)
    found = calibrated(logits[:, None], targets, "sigmoid")
    # scikit-learn: p = 1 / (1 + exp(a z + b)).
    return {
        "name": name,
        "logits": logits.tolist(),
        "targets": targets.tolist(),
        "slope": float(-found.a_),
        "offset": float(-found.b_),
    }


def reliability_multi_class(name, probabilities, targets):
    probabilities, targets = f32(probabilities), np.asarray(targets)
    right = (probabilities.argmax(axis=1) == targets).astype(int)
    confidence = probabilities.max(axis=1).astype(np.float64)
    return {
        "name": name,
        "classes": probabilities.shape[1],
        "probabilities": probabilities.ravel().tolist(),
        "targets": targets.tolist(),
        "error": float(expected_calibration_error(right, confidence, num_bins=EDGES, split_strategy="uniform")),
    }


def reliability_yes_no(name, probabilities, targets):
    probabilities, targets = f32(probabilities), np.asarray(targets)
    wide = probabilities.astype(np.float64)
    labels = [
        float(expected_calibration_error(targets[:, label], wide[:, label], num_bins=EDGES, split_strategy="uniform"))
        for label in range(targets.shape[1])
    ]
    return {
        "name": name,
        "probabilities": probabilities.ravel().tolist(),
        "targets": targets.ravel().tolist(),
        "labels": labels,
    }


def thresholds(name, probabilities, targets):
    """The scores at scikit-learn's best thresholds: several thresholds may reach them."""
    probabilities, targets = f32(probabilities), np.asarray(targets)
    wide = probabilities.astype(np.float64)
    precision, recall, cuts = sk.precision_recall_curve(targets, wide)
    precision, recall = precision[:-1], recall[:-1]
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-300)
    sure = recall[precision >= 0.8]
    return {
        "name": name,
        "probabilities": probabilities.tolist(),
        "targets": targets.tolist(),
        "best_f1": float(f1.max()),
        "recall_at_precision_0.8": float(sure.max()) if len(sure) else None,
        "precision_at_recall_0.9": float(precision[recall >= 0.9].max()),
        "cut_at_recall_0.9": float(cuts[recall >= 0.9].max()),
    }


def interval(name, probabilities, targets):
    """SciPy's percentile bootstrap of F1 and of the area under the ROC curve."""
    probabilities, targets = f32(probabilities), np.asarray(targets)

    def resampled(metric):
        found = scipy.stats.bootstrap(
            (targets, probabilities.astype(np.float64)),
            metric,
            paired=True,
            vectorized=False,
            method="percentile",
            n_resamples=4000,
            rng=np.random.default_rng(1),
        )
        return [float(found.confidence_interval.low), float(found.confidence_interval.high)]

    accuracy = ((probabilities >= 0.5) == targets).sum()
    return {
        "name": name,
        "probabilities": probabilities.tolist(),
        "targets": targets.tolist(),
        "accuracy": list(map(float, proportion_confint(accuracy, len(targets), method="wilson"))),
        "f1": resampled(lambda y, p: sk.f1_score(y, p >= 0.5, zero_division=0)),
        "roc_auc": resampled(lambda y, p: sk.roc_auc_score(y, p) if y.min() != y.max() else np.nan),
    }


def conformal_classes(name, calibration, targets, fresh, coverage):
    calibration, fresh, targets = f32(calibration), f32(fresh), np.asarray(targets)
    estimator = Probabilities().fit(calibration, targets)
    found = SplitConformalClassifier(estimator, confidence_level=coverage, conformity_score="lac", prefit=True)
    # In 32 bits on both sides: a set must not hang on the last digit.
    found.conformalize(calibration.astype(np.float64), targets)
    _, sets = found.predict_set(fresh.astype(np.float64))
    return {
        "name": name,
        "classes": calibration.shape[1],
        "coverage": coverage,
        "probabilities": calibration.ravel().tolist(),
        "targets": targets.tolist(),
        "fresh": fresh.ravel().tolist(),
        "sets": [np.flatnonzero(row).tolist() for row in sets[:, :, 0]],
    }


def conformal_numbers(name, calibration, targets, fresh, coverage):
    calibration, fresh, targets = f32(calibration), f32(fresh), f32(targets)
    estimator = Numbers().fit(calibration[:, None], targets)
    found = SplitConformalRegressor(estimator, confidence_level=coverage, prefit=True)
    found.conformalize(calibration[:, None].astype(np.float64), targets.astype(np.float64))
    _, intervals = found.predict_interval(fresh[:, None].astype(np.float64))
    return {
        "name": name,
        "coverage": coverage,
        "predictions": calibration.tolist(),
        "targets": targets.tolist(),
        "fresh": fresh.tolist(),
        "intervals": [[float(low), float(high)] for low, high in intervals[:, :, 0]],
    }


def suspects(name, probabilities, targets):
    probabilities, targets = f32(probabilities), np.asarray(targets)
    wide = probabilities.astype(np.float64)
    wide /= wide.sum(axis=1, keepdims=True)
    found = find_label_issues(
        targets, wide, filter_by="confident_learning", return_indices_ranked_by="self_confidence", n_jobs=1
    )
    return {
        "name": name,
        "classes": probabilities.shape[1],
        "probabilities": probabilities.ravel().tolist(),
        "targets": targets.tolist(),
        "rows": [int(row) for row in found],
    }


def leaning(targets, classes, strength, sureness=1.0):
    """Logits that lean towards the targets, more or less sure than they may be."""
    return sureness * (rng.normal(size=(len(targets), classes)) + strength * np.eye(classes)[targets])


def temperature_cases():
    targets = rng.integers(0, 5, 80)
    yield temperature("too sure", leaning(targets, 5, 1.5, 3.0), targets)
    yield temperature("not sure enough", leaning(targets, 5, 2.5, 0.2), targets)
    targets = rng.integers(0, 3, 12)
    yield temperature("few rows", leaning(targets, 3, 1.0), targets)
    targets = rng.choice(10, 200, p=[0.5] + [0.5 / 9] * 9)
    yield temperature("ten classes, one frequent", leaning(targets, 10, 2.0, 1.7), targets)


def platt_cases():
    targets = rng.integers(0, 2, 100)
    yield platt("too sure", 4 * (rng.normal(size=100) + targets - 0.5), targets)
    targets = (np.arange(90) % 15 == 0).astype(int)
    yield platt("imbalanced", rng.normal(size=90) + 2.0 * targets, targets)
    targets = rng.integers(0, 2, 60)
    yield platt("a bias", 0.7 * (rng.normal(size=60) + 1.5 * targets) + 3.0, targets)
    yield platt("all in order", [-3, -2, -1, 1, 2, 3], [0, 0, 0, 1, 1, 1])


def reliability_cases():
    targets = rng.integers(0, 5, 150)
    yield reliability_multi_class("too sure", softmax(leaning(targets, 5, 1.0, 3.0)), targets)
    targets = rng.integers(0, 3, 40)
    yield reliability_multi_class("few rows", softmax(leaning(targets, 3, 1.0)), targets)


def yes_no_cases():
    targets = rng.integers(0, 2, (120, 3))
    yield reliability_yes_no("three labels", sigmoid(2 * rng.normal(size=(120, 3)) + targets), targets)
    targets = rng.integers(0, 2, (60, 1))
    yield reliability_yes_no("one label, with 0 and 1", rng.integers(0, 5, (60, 1)) / 4, targets)


def threshold_cases():
    targets = rng.integers(0, 2, 80)
    yield thresholds("balanced", sigmoid(rng.normal(size=80) + 1.5 * targets - 0.7), targets)
    targets = (np.arange(120) % 12 == 0).astype(int)
    yield thresholds("rare", sigmoid(rng.normal(size=120) + 2.0 * targets - 3.0), targets)
    targets = rng.integers(0, 2, 60)
    yield thresholds("ties", rng.integers(0, 6, 60) / 5, targets)


def interval_cases():
    targets = rng.integers(0, 2, 150)
    yield interval("balanced", sigmoid(rng.normal(size=150) + 1.5 * targets - 0.7), targets)
    targets = (np.arange(200) % 8 == 0).astype(int)
    yield interval("rare", sigmoid(rng.normal(size=200) + 2.0 * targets - 1.0), targets)


def conformal_cases():
    for coverage in (0.9, 0.8):
        targets = rng.integers(0, 4, 99)
        fresh = rng.integers(0, 4, 40)
        yield conformal_classes(
            f"four classes at {coverage}",
            softmax(leaning(targets, 4, 1.2)),
            targets,
            softmax(leaning(fresh, 4, 1.2)),
            coverage,
        )
    targets = rng.integers(0, 3, 250)
    fresh = rng.integers(0, 3, 40)
    yield conformal_classes(
        "surer than asked",
        softmax(leaning(targets, 3, 4.0, 2.0)),
        targets,
        softmax(leaning(fresh, 3, 2.0, 2.0)),
        0.9,
    )


def conformal_number_cases():
    for rows, coverage in ((60, 0.9), (199, 0.95), (19, 0.9)):
        targets = rng.normal(size=rows) * 3 + 10
        yield conformal_numbers(
            f"{rows} rows at {coverage}",
            targets + rng.normal(size=rows),
            targets,
            rng.normal(size=20) * 3 + 10,
            coverage,
        )


def suspect_cases():
    targets = rng.integers(0, 4, 160)
    given = targets.copy()
    flipped = rng.choice(160, 12, replace=False)
    given[flipped] = (given[flipped] + 1) % 4
    yield suspects("12 of 160 flipped", softmax(leaning(targets, 4, 3.0)), given)
    targets = rng.choice(3, 120, p=[0.8, 0.15, 0.05])
    given = targets.copy()
    flipped = rng.choice(120, 10, replace=False)
    given[flipped] = (given[flipped] + 1) % 3
    yield suspects("imbalanced", softmax(leaning(targets, 3, 2.0)), given)
    targets = rng.integers(0, 2, 100)
    given = targets.copy()
    given[:8] = 1 - given[:8]
    yield suspects("two classes", softmax(leaning(targets, 2, 2.0)), given)
    targets = rng.integers(0, 4, 60)
    yield suspects("a class without rows", softmax(leaning(targets, 5, 1.0)), targets)


def main():
    kinds = {
        "temperature": temperature_cases(),
        "platt": platt_cases(),
        "reliability_multi_class": reliability_cases(),
        "reliability_yes_no": yes_no_cases(),
        "thresholds": threshold_cases(),
        "intervals": interval_cases(),
        "conformal_classes": conformal_cases(),
        "conformal_numbers": conformal_number_cases(),
        "suspects": suspect_cases(),
    }
    blocks = []
    for kind, cases in kinds.items():
        lines = ",\n".join("  " + json.dumps(case, allow_nan=False) for case in cases)
        blocks.append(f' "{kind}": [\n{lines}\n ]')
    OUT.write_text("{\n" + ",\n".join(blocks) + "\n}\n")


if __name__ == "__main__":
    main()
