"""Writes golden_metrics.json: inputs and the metrics scikit-learn computes from them.

    python -m pip install numpy==2.4.6 scikit-learn==1.9.1
    python crates/task/tests/golden/make_golden.py

Made with Python 3.11, numpy 2.4.6 and scikit-learn 1.9.1. The script is deterministic: running
it again leaves the file as it is. Inputs are written as float32 values, so that both sides
measure the same numbers; metrics are computed from them in float64.

null stands for an undefined metric. Where the Rust definition differs from scikit-learn the
reference is written out here, beside the reason.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn import metrics as sk

assert np.__version__ == "2.4.6", np.__version__
assert sklearn.__version__ == "1.9.1", sklearn.__version__

# scikit-learn warns about the undefined cases that are here on purpose.
warnings.simplefilter("ignore")

OUT = Path(__file__).with_name("golden_metrics.json")
EPSILON = float(np.finfo(np.float32).eps)
rng = np.random.default_rng(20240607)


def f32(values):
    return np.asarray(values, dtype=np.float32)


def softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return f32(e / e.sum(axis=1, keepdims=True))


def sigmoid(logits):
    return f32(1 / (1 + np.exp(-logits)))


def log_loss(targets, probabilities, labels):
    """log_loss with the clipping of float32 inputs, but the arithmetic of float64."""
    probabilities = probabilities.astype(np.float64)
    if probabilities.ndim == 1:
        probabilities = np.stack([1 - probabilities, probabilities], axis=1)
    clipped = np.clip(probabilities, EPSILON, 1 - EPSILON)
    value = sk.log_loss(targets, clipped, labels=labels)
    assert np.isclose(value, sk.log_loss(targets, f32(probabilities), labels=labels), rtol=1e-5)
    return value


def multi_class(name, probabilities, targets):
    probabilities = f32(probabilities)
    targets = np.asarray(targets)
    classes = probabilities.shape[1]
    labels = np.arange(classes)
    predicted = probabilities.argmax(axis=1)
    precision, recall, f1, support = sk.precision_recall_fscore_support(
        targets, predicted, labels=labels, average=None, zero_division=0
    )

    # Equal probabilities: the lower index first, as argmax does. top_k_accuracy_score puts the
    # higher index first, so it is compared where no row has ties.
    order = np.argsort(-probabilities, axis=1, kind="stable")
    top_k = [float((order[:, :k] == targets[:, None]).any(axis=1).mean()) for k in range(1, classes + 1)]
    assert top_k[0] == sk.accuracy_score(targets, predicted)
    if classes > 2 and all(len(np.unique(row)) == classes for row in probabilities):
        for k in range(1, classes + 1):
            assert top_k[k - 1] == sk.top_k_accuracy_score(targets, probabilities, k=k, labels=labels)

    return {
        "name": name,
        "classes": classes,
        "probabilities": probabilities.ravel().tolist(),
        "targets": targets.tolist(),
        "accuracy": sk.accuracy_score(targets, predicted),
        "top_k_accuracy": top_k,
        "confusion_matrix": sk.confusion_matrix(targets, predicted, labels=labels).tolist(),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "support": support.astype(int).tolist(),
        "macro_f1": sk.f1_score(targets, predicted, average="macro", zero_division=0),
        "log_loss": log_loss(targets, probabilities, labels),
    }


def average_precision(targets, probabilities):
    """None without a positive, where scikit-learn warns and returns 0."""
    return sk.average_precision_score(targets, probabilities) if targets.any() else None


def roc_curve(targets, probabilities):
    if targets.min() == targets.max():
        return None
    fpr, tpr, thresholds = sk.roc_curve(targets, probabilities, drop_intermediate=True)
    thresholds = [None if np.isinf(t) else float(t) for t in thresholds]
    return list(map(list, zip(thresholds, fpr.tolist(), tpr.tolist())))


def precision_recall_curve(targets, probabilities):
    """In order of decreasing threshold, the other way round than scikit-learn."""
    if not targets.any():
        return None
    precision, recall, thresholds = sk.precision_recall_curve(targets, probabilities, drop_intermediate=True)
    thresholds = [*map(float, thresholds), None]
    return list(map(list, zip(thresholds, precision.tolist(), recall.tolist())))[::-1]


def binary(name, probabilities, targets):
    probabilities = f32(probabilities)
    targets = np.asarray(targets)
    wide = probabilities.astype(np.float64)
    predicted = (wide >= 0.5).astype(int)
    both = targets.min() != targets.max()
    return {
        "name": name,
        "probabilities": probabilities.tolist(),
        "targets": targets.tolist(),
        "accuracy": sk.accuracy_score(targets, predicted),
        "precision": sk.precision_score(targets, predicted, zero_division=0),
        "recall": sk.recall_score(targets, predicted, zero_division=0),
        "f1": sk.f1_score(targets, predicted, zero_division=0),
        "roc_auc": sk.roc_auc_score(targets, wide) if both else None,
        "average_precision": average_precision(targets, wide),
        "log_loss": log_loss(targets, probabilities, [0, 1]),
        "brier_score": sk.brier_score_loss(targets, wide, labels=[0, 1]),
        "roc_curve": roc_curve(targets, wide),
        "precision_recall_curve": precision_recall_curve(targets, wide),
    }


def multi_label(name, probabilities, targets):
    probabilities = f32(probabilities)
    targets = np.asarray(targets)
    labels = targets.shape[1]
    predicted = (probabilities >= 0.5).astype(int)
    by_label = [
        sk.precision_recall_fscore_support(
            targets[:, label], predicted[:, label], labels=[1], average=None, zero_division=0
        )
        for label in range(labels)
    ]
    precision, recall, f1, support = np.array(by_label)[:, :, 0].T
    average_precisions = [
        average_precision(targets[:, label], probabilities[:, label].astype(np.float64)) for label in range(labels)
    ]
    # Labels without positives have no average precision and are left out of the mean.
    measured = [value for value in average_precisions if value is not None]

    # One column is no label indicator to scikit-learn; pooled decisions are the same thing.
    micro_f1 = sk.f1_score(targets.ravel(), predicted.ravel(), zero_division=0)
    subset_accuracy = float((targets == predicted).all(axis=1).mean())
    if labels > 1:
        assert np.isclose(micro_f1, sk.f1_score(targets, predicted, average="micro", zero_division=0))
        assert np.isclose(f1.mean(), sk.f1_score(targets, predicted, average="macro", zero_division=0))
        assert subset_accuracy == sk.accuracy_score(targets, predicted)
        if len(measured) == labels:
            macro = sk.average_precision_score(targets, probabilities, average="macro")
            assert np.isclose(np.mean(measured), macro)

    return {
        "name": name,
        "labels": labels,
        "probabilities": probabilities.ravel().tolist(),
        "targets": targets.ravel().tolist(),
        "mean_average_precision": float(np.mean(measured)) if measured else None,
        "labels_without_positives": labels - len(measured),
        "micro_f1": micro_f1,
        "macro_f1": float(f1.mean()),
        "subset_accuracy": subset_accuracy,
        "hamming_loss": sk.hamming_loss(targets, predicted) if labels > 1 else float((targets != predicted).mean()),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "average_precision": average_precisions,
        "support": support.astype(int).tolist(),
    }


def regression(name, predictions, targets):
    predictions, targets = f32(predictions), f32(targets)
    outputs = targets.shape[1]
    truth, guess = targets.astype(np.float64), predictions.astype(np.float64)
    r_squared = [None] * outputs
    if len(targets) > 1:
        r_squared = sk.r2_score(truth, guess, multioutput="raw_values").tolist()
    return {
        "name": name,
        "outputs": outputs,
        "predictions": predictions.ravel().tolist(),
        "targets": targets.ravel().tolist(),
        "mean_absolute_error": sk.mean_absolute_error(truth, guess, multioutput="raw_values").tolist(),
        "root_mean_squared_error": sk.root_mean_squared_error(truth, guess, multioutput="raw_values").tolist(),
        "r_squared": r_squared,
    }


def informed(targets, classes, strength):
    """Softmax outputs that lean towards the targets."""
    return softmax(rng.normal(size=(len(targets), classes)) + strength * np.eye(classes)[targets])


def multi_class_cases():
    targets = rng.integers(0, 5, 40)
    yield multi_class("random", informed(targets, 5, 1.5), targets)
    targets = rng.choice(4, 40, p=[0.85, 0.1, 0.04, 0.01])
    yield multi_class("imbalanced", informed(targets, 4, 1.0), targets)
    ties = [[0.5, 0.5, 0], [0.25, 0.25, 0.5], [0, 0.5, 0.5], [0.25, 0.5, 0.25], [0.5, 0, 0.5], [0.375, 0.25, 0.375]]
    yield multi_class("ties", ties * 3, [0] * 6 + [1] * 6 + [2] * 6)
    targets = np.array([0, 1, 2, 2, 1, 0, 2])
    yield multi_class("perfect", np.eye(3)[targets], targets)
    yield multi_class("all_wrong", np.eye(3)[(targets + 1) % 3], targets)
    targets = rng.choice([0, 2, 4], 25)
    yield multi_class("class_missing_in_test", informed(targets, 5, 0.7), targets)
    targets = np.array([1, 1, 1, 1])
    yield multi_class("one_class_in_test", informed(targets, 3, 0.5), targets)
    targets = rng.integers(0, 2, 30)
    yield multi_class("two_classes", informed(targets, 2, 1.0), targets)
    targets = rng.integers(0, 12, 20)
    yield multi_class("more_classes_than_support", informed(targets, 12, 1.0), targets)
    yield multi_class("one_row", softmax(rng.normal(size=(1, 3))), [2])
    targets = rng.integers(0, 4, 20)
    yield multi_class("sure_to_the_limit_of_float32", softmax(30 * rng.normal(size=(20, 4))), targets)


def binary_cases():
    targets = rng.integers(0, 2, 40)
    yield binary("random", sigmoid(rng.normal(size=40) + 2.0 * targets - 1.0), targets)
    targets = (np.arange(60) % 20 == 3).astype(int)
    yield binary("imbalanced", sigmoid(rng.normal(size=60) + 1.5 * targets - 2.0), targets)
    targets = rng.integers(0, 2, 40)
    yield binary("ties", rng.integers(0, 5, 40) / 4, targets)
    yield binary("one_probability_for_all", np.full(10, 0.5), targets[:10])
    targets = np.array([0, 1, 1, 0, 1, 0, 0])
    yield binary("perfect", targets, targets)
    yield binary("all_wrong", 1 - targets, targets)
    yield binary("right_order_on_one_side_of_the_threshold", 0.1 + 0.3 * targets, targets)
    yield binary("only_negatives", sigmoid(rng.normal(size=12)), np.zeros(12, int))
    yield binary("only_positives", sigmoid(rng.normal(size=12)), np.ones(12, int))
    yield binary("one_positive_row", [0.75], [1])
    yield binary("one_negative_row", [0.75], [0])
    extremes = [0, 1e-30, 1e-9, 1e-7, 2e-7, 0.49999997, 0.5, 0.9999998, 0.9999999, 0.99999994, 1]
    yield binary("extremes", extremes * 2, [0] * 11 + [1] * 11)
    neighbours = np.nextafter(f32(0.25), f32(1)), f32(0.25), np.nextafter(f32(0.25), f32(0))
    yield binary("neighbouring_floats_are_no_ties", [*neighbours, *neighbours], [1, 0, 1, 0, 0, 1])


def multi_label_cases():
    targets = rng.integers(0, 2, (25, 4))
    yield multi_label("random", sigmoid(rng.normal(size=(25, 4)) + 2.0 * targets - 1.0), targets)
    targets = (rng.random((30, 5)) < [0.9, 0.5, 0.2, 0.07, 0.04]).astype(int)
    targets[4] = 1
    yield multi_label("imbalanced", sigmoid(rng.normal(size=(30, 5)) + targets - 0.7), targets)
    targets = rng.integers(0, 2, (15, 4))
    targets[:, 1] = 0
    targets[:, 3] = 1
    yield multi_label("label_without_positives_and_label_of_all_rows", sigmoid(rng.normal(size=(15, 4))), targets)
    yield multi_label("no_positives", sigmoid(rng.normal(size=(6, 3))), np.zeros((6, 3), int))
    yield multi_label("nothing_predicted", 0.5 * rng.random((6, 3)), rng.integers(0, 2, (6, 3)))
    targets = np.array([[0, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 0]])
    yield multi_label("perfect", targets, targets)
    yield multi_label("all_wrong", 1 - targets, targets)
    yield multi_label("ties", rng.integers(0, 5, (20, 3)) / 4, rng.integers(0, 2, (20, 3)))
    yield multi_label("one_label", sigmoid(rng.normal(size=(12, 1))), rng.integers(0, 2, (12, 1)))
    yield multi_label("one_row", [[0.75, 0.25, 0.5, 0.875]], [[1, 0, 1, 0]])


def regression_cases():
    targets = rng.normal(size=(30, 1))
    yield regression("random", targets + 0.5 * rng.normal(size=(30, 1)), targets)
    targets = rng.normal(size=(20, 2)) * [1, 250] + [0, 1000]
    yield regression("two_targets", targets + rng.normal(size=(20, 2)) * [0.3, 40], targets)
    targets = np.stack([rng.normal(size=8), np.full(8, 0.1), np.full(8, 0.1)], axis=1)
    predictions = targets + [0.25, 0.0, 0.5]
    yield regression("constant_targets_hit_and_missed", predictions, targets)
    targets = rng.normal(size=(7, 2))
    yield regression("perfect", targets, targets)
    yield regression("worse_than_the_mean", -3 * targets, targets)
    yield regression("one_value_for_all", np.full((4, 1), 2.5), [[1], [2], [3], [4]])
    targets = 100000 + rng.normal(size=(20, 1))
    yield regression("far_from_zero", targets + 0.1 * rng.normal(size=(20, 1)), targets)
    yield regression("one_row", [[1.5, 2.0]], [[1.0, 2.0]])
    yield regression("two_rows", [[1.5], [2.0]], [[1.0], [3.0]])
    yield regression("limits_of_float32", [[3e38], [-3e38], [1e-38]], [[-3e38], [3e38], [0.0]])


def main():
    kinds = {
        "multi_class": list(multi_class_cases()),
        "binary": list(binary_cases()),
        "multi_label": list(multi_label_cases()),
        "regression": list(regression_cases()),
    }
    # One case a line: readable as a difference. NaN and infinity are refused.
    blocks = []
    for kind, cases in kinds.items():
        lines = ",\n".join("  " + json.dumps(case, allow_nan=False) for case in cases)
        blocks.append(f' "{kind}": [\n{lines}\n ]')
    OUT.write_text("{\n" + ",\n".join(blocks) + "\n}\n")


if __name__ == "__main__":
    main()
