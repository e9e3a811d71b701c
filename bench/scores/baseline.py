"""The baseline of the bench: scikit-learn's regularised linear models on the same features.

Logistic regression for classes and labels, ridge regression for numbers. The strength of the
regularisation and whether the features are standardised are chosen on the validation split; the
model is fitted on the training split only, as finial fits its head, and scored once on the test
split. `fit` is all that `compare.py` needs from here.
"""

from dataclasses import dataclass

import numpy as np
from sklearn import metrics
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from measures import log_loss

C_GRID = np.logspace(-5, 3, 17)
# The grid is left once this many weaker regularisations in a row were no improvement: the loss
# grows steadily from there, and the fits get slow.
PATIENCE = 3
ALPHA_GRID = np.logspace(-2, 6, 17)
# Standardised or as they are.
SCALINGS = (StandardScaler, FunctionTransformer)
TRAIN, VALIDATION, TEST = 0, 1, 2


@dataclass(frozen=True)
class Fitted:
    """What the baseline says about the test split."""

    # [N] classes' indices, [N, W] of 0 and 1, or [N, W] numbers
    targets: np.ndarray
    # [N, C], [N, W] probabilities, or [N, W] numbers
    predictions: np.ndarray
    # What was chosen on the validation split, in a phrase.
    choice: str


@threadpool_limits.wrap(limits=1)  # the matrices are so small that threads wait for each other
def fit(task, features, targets, split):
    """Fits the baseline of a task.

    `features` is `[N, D]`, `targets` is `[N, W]`, `split` is `[N]` of 0, 1 and 2.
    """
    # In f32 a ridge regression with little regularisation is ill-conditioned.
    features, targets = features.astype(np.float64), targets.astype(np.float64)
    parts = [features[split == part] for part in (TRAIN, VALIDATION, TEST)]
    wanted = [targets[split == part] for part in (TRAIN, VALIDATION, TEST)]
    if any(len(part) == 0 for part in parts):
        raise SystemExit("the baseline needs samples in each of train, validation and test")
    if task == "regression":
        predictions, choice = fit_ridge(parts, wanted)
        return Fitted(wanted[2], predictions, choice)
    if task == "multi-label":
        columns = [fit_logistic(parts, [w[:, label] for w in wanted], 2) for label in range(targets.shape[1])]
        predictions = np.stack([probabilities[:, 1] for probabilities, _, _ in columns], axis=1)
        strengths = [c for _, c, _ in columns if c is not None]
        choice = "C chosen per label"
        if strengths:
            choice += f", from {min(strengths):.0e} to {max(strengths):.0e}"
        return Fitted(wanted[2].astype(int), predictions, choice)
    classes = int(targets.max()) + 1
    probabilities, c, scaling = fit_logistic(parts, [w[:, 0] for w in wanted], classes)
    return Fitted(wanted[2][:, 0].astype(int), probabilities, f"C = {c:.0e}, {scaling}")


def fit_logistic(parts, targets, classes):
    """Probabilities `[N, classes]` of the test split, the C chosen, and how features were scaled."""
    train, validation, test = (part.astype(int) for part in targets)
    present = np.unique(train)
    if len(present) == 1:  # a label that the training split never shows, or always
        probabilities = np.zeros((len(test), classes))
        probabilities[:, present[0]] = 1
        return probabilities, None, "constant"
    best = None
    for scaling in SCALINGS:
        scale = scaling().fit(parts[0])
        scaled = [scale.transform(part) for part in parts]
        # One model for the whole grid: each fit starts from the weaker one before it.
        model = LogisticRegression(max_iter=5000, warm_start=True)
        losses = []
        for c in C_GRID:
            model.set_params(C=c).fit(scaled[0], train)
            losses.append(log_loss(validation, widen(model, scaled[1], classes)))
            if best is None or losses[-1] < best[0]:
                best = (losses[-1], c, describe(scaling), widen(model, scaled[2], classes))
            if len(losses) - 1 - np.argmin(losses) >= PATIENCE:
                break
    _, c, scaling, probabilities = best
    return probabilities, c, scaling


def widen(model, features, classes):
    """Probabilities with a column for each class, also for those the training split lacks."""
    probabilities = np.zeros((len(features), classes))
    probabilities[:, model.classes_] = model.predict_proba(features)
    return probabilities


def fit_ridge(parts, targets):
    """Numbers `[N, W]` for the test split, and what was chosen."""
    best = None
    for scaling in SCALINGS:
        for alpha in ALPHA_GRID:
            model = make_pipeline(scaling(), Ridge(alpha)).fit(parts[0], targets[0])
            loss = metrics.mean_squared_error(targets[1], reshape(model.predict(parts[1]), targets[1]))
            if best is None or loss < best[0]:
                best = (loss, alpha, describe(scaling), reshape(model.predict(parts[2]), targets[2]))
    _, alpha, scaling, predictions = best
    return predictions, f"alpha = {alpha:.0e}, {scaling}"


def reshape(predictions, targets):
    return predictions.reshape(targets.shape)


def describe(scaling):
    return "standardised" if scaling is StandardScaler else "as they are"
