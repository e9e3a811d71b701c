#!/usr/bin/env python3
"""Are probabilities better after calibration, and do sets and intervals hold as often as promised?

    python bench/certainty/run.py                  # all, writes bench/certainty/RESULTS.md
    python bench/certainty/run.py --seeds 2        # prints, writes nothing

Each data set of `bench/data` is split and its head trained with ten seeds (`collect.py`, some
minutes); the ways to calibrate (`methods.py`) are then compared on the test images. For the coverage
the images that had no part in training are dealt anew into validation and test, 100 times.
Needs the data that `bench/data/fetch.py` fetches, and the program: `--finial`, or the release build.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

import collect
import conformal
import methods

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "data"))

from sets import SETS  # noqa: E402  (lies beside, in bench/data)

SEEDS = 10
HEAD = """# How sure the answers are

Made by `python bench/certainty/run.py` from heads on EfficientNet-Lite0 features, {seeds} seeds a data set:
each another split (Fashion-MNIST keeps its test images), other first weights. The default settings of
`finial train`, uncalibrated; validation images calibrate, test images judge.
"""
CALIBRATION = """
## Calibration

Calibration error: 15 bins, as `finial` reports it. Of few images it is above 0 by chance alone; "beyond
chance" is what is left once the mean error of labels drawn from the very probabilities is taken away.
Differences are to the uncalibrated head, over the same seeds, with their standard errors. `pulled by n`
adds n/2 · ((slope − 1)² + offset²) to the summed log loss, so that few images move little; it is the same
for classes, whose slope is 1 / temperature, and for yes or no.
"""


def main():
    arguments = argparse.ArgumentParser(description="Measures calibration and coverage.")
    arguments.add_argument("--seeds", type=int, default=SEEDS)
    arguments.add_argument("--finial", type=Path, default=collect.ROOT / "target" / "release" / "finial")
    given = arguments.parse_args()
    text = HEAD.format(seeds=given.seeds) + CALIBRATION
    runs = {}
    for one in SETS:
        data = collect.ROOT / "target" / "bench" / "data" / one.path
        runs[one.name] = [
            collect.collect(given.finial, data, one.name, seed) for seed in range(given.seeds)
        ]
    for name, found in runs.items():
        if found[0].task != "regression":
            text += calibration(name, found)
    text += conformal.section(runs)
    print(text)
    if given.seeds == SEEDS:
        (HERE / "RESULTS.md").write_text(text, encoding="utf-8")


def calibration(name, runs):
    """The table of a data set."""
    task = runs[0].task
    rows = {way: [] for way in methods.WAYS}
    for run in runs:
        validation, test = run.validation.astype(float), run.test.astype(float)
        for way, fit in methods.WAYS.items():
            logits = methods.corrected(test, fit(task, validation, run.validation_targets))
            rows[way].append(
                (
                    methods.calibration_error(task, logits, run.test_targets),
                    methods.beyond_chance(task, logits, run.test_targets),
                    methods.loss_rows(task, logits, run.test_targets).mean(),
                )
            )
    off = np.array(rows["off"])
    lines = [
        f"\n### {name}\n\n{task}, {len(runs[0].validation)} images to validate, {len(runs[0].test)} to test.\n",
        "| calibration | error | beyond chance | log loss | error, difference | log loss, difference |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for way, found in rows.items():
        found = np.array(found)
        apart = found - off
        error = apart.std(0, ddof=1) / np.sqrt(len(apart))
        means = found.mean(0)
        lines.append(
            f"| {way} | {means[0]:.4f} | {means[1]:.4f} | {means[2]:.4f} | "
            f"{apart[:, 0].mean():+.4f} ± {error[0]:.4f} | {apart[:, 2].mean():+.4f} ± {error[2]:.4f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
