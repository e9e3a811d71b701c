#!/usr/bin/env python3
"""Compares a model that finial trained with scikit-learn's best linear model on the same features.

    python bench/scores/compare.py --name stamps --features F.safetensors --result train.json

`F.safetensors` is what `finial features DATA --out F.safetensors --seed S` writes: `features`
`[N, D]`, `targets` `[N, W]` and `split` `[N]` (0 train, 1 validation, 2 test). `train.json` is what
`finial train DATA --seed S --format json` prints. Both must come from the same data and seed, so
that the splits are the same.

The baseline is in `baseline.py`, the metrics and their error in `measures.py`; `run.py` does this
for every data set.
"""

import argparse
import json
import sys
import warnings
from pathlib import Path

from safetensors.numpy import load_file

from baseline import TEST, fit
from measures import MEASURES, standard_error

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from level import verdict  # noqa: E402  (lies in bench)

HEADING = (
    "| data set | task | n test | metric | finial | scikit-learn | difference | standard error | verdict |\n"
    "|---|---|---:|---|---:|---:|---:|---:|---|"
)
LEGEND = (
    "The difference is finial minus scikit-learn. The standard error is that of scikit-learn's score "
    "over 1,000 bootstrap draws of the test split. The verdict is *level* where the two are within one "
    "standard error of each other, else *ahead* or *behind*, as seen from finial. The baseline is fitted "
    "on the training split only, as finial's head is; its regularisation and the scaling of the features "
    "are chosen on the validation split."
)


def main():
    arguments = argparse.ArgumentParser(description="Compares finial's scores with scikit-learn's.")
    arguments.add_argument("--name", required=True, help="name of the data set in the table")
    arguments.add_argument("--features", required=True, type=Path)
    arguments.add_argument("--result", required=True, type=Path)
    given = arguments.parse_args()
    rows, choice = compare(given.name, given.features, json.loads(given.result.read_text()))
    print(HEADING, *rows, "", f"Baseline: {choice}.", "", LEGEND, sep="\n")


def compare(name, features_path, result):
    """The rows of a data set in the table of `HEADING`, and what the baseline chose."""
    task, reported = read_result(result)
    tensors = load_file(features_path)
    split = tensors["split"].reshape(-1)
    targets = tensors["targets"].reshape(len(split), -1)
    fitted = fit(task, tensors["features"], targets, split)
    rows = []
    with warnings.catch_warnings():
        # A bootstrap draw may lack a rare class or label.
        warnings.simplefilter("ignore", category=UserWarning)
        for measure in MEASURES[task]:
            ours = reported.get(measure.name)
            if ours is None:
                continue
            baseline = measure.of(fitted.targets, fitted.predictions)
            error = standard_error(measure, fitted.targets, fitted.predictions)
            rows.append(row(name, task, int((split == TEST).sum()), measure, ours, baseline, error))
    if not rows:
        raise SystemExit(f"{name}: none of {', '.join(reported)} is a metric that the baseline has")
    return rows, fitted.choice


def row(name, task, count, measure, ours, baseline, error):
    difference = ours - baseline
    gain = difference if measure.higher_is_better else -difference
    return (
        f"| {name} | {task} | {count:,} | {measure.name} | {ours:.4f} | {baseline:.4f} "
        f"| {difference:+.4f} | {error:.4f} | {verdict(gain, error)} |"
    )


def read_result(result):
    """The task's name and the metrics of the test split."""
    task, metrics = result["task"], result["metrics"]
    if task not in MEASURES:
        raise SystemExit(f"expected one of {', '.join(MEASURES)} as `task`, found `{task}`")
    return task, metrics


if __name__ == "__main__":
    main()
