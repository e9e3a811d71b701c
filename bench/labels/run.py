#!/usr/bin/env python3
"""Does `finial inspect` find labels that were made wrong on purpose?

    python bench/labels/run.py            # writes bench/labels/RESULTS.md
    python bench/labels/run.py --seeds 1  # prints, writes nothing

Of the 7,000 images of Fashion-MNIST in `bench/data` one in twenty gets the label of another class,
chosen by the seed. `finial inspect` names its suspects; cleanlab names its own from the very
probabilities that finial found them by (`--predictions`). Needs the data that `bench/data/fetch.py`
fetches, `pip install cleanlab==2.9.0`, and the program: `--finial`, or the release build.
"""

import argparse
import csv
import json
import random
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from cleanlab.filter import find_label_issues

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DATA = ROOT / "target" / "bench" / "data" / "fashion-mnist"
SHARE = 0.05
SEEDS = 3
HEAD = """# Wrong labels found

Made by `python bench/labels/run.py`: Fashion-MNIST, {images} images in ten classes, of which one in twenty
was given the label of another class by chance. Some labels of the data set are wrong or doubtful
themselves, which counts against the precision here. cleanlab 2.9.0 worked on the same out-of-fold
probabilities of finial's heads.

| seed | flipped | suspects of | named | recall | precision |
|---:|---:|---|---:|---:|---:|
"""
WAYS = {
    "cleanlab, `confident_learning`": dict(filter_by="confident_learning"),
    "cleanlab, `prune_by_noise_rate` (its default)": dict(filter_by="prune_by_noise_rate"),
}


def main():
    arguments = argparse.ArgumentParser(description="Measures suspects on flipped labels.")
    arguments.add_argument("--seeds", type=int, default=SEEDS)
    arguments.add_argument("--finial", type=Path, default=ROOT / "target" / "release" / "finial")
    given = arguments.parse_args()
    images = sorted(path.relative_to(DATA) for path in DATA.rglob("*.png"))
    text = HEAD.format(images=f"{len(images):,}")
    for seed in range(given.seeds):
        for line in measured(given.finial, images, seed):
            text += line + "\n"
    print(text)
    if given.seeds == SEEDS:
        (HERE / "RESULTS.md").write_text(text, encoding="utf-8")


def measured(finial, images, seed):
    """The rows of a seed."""
    chance = random.Random(seed)
    classes = sorted({image.parts[1] for image in images})
    flipped = set(chance.sample(images, round(SHARE * len(images))))
    labels = {
        image: chance.choice([one for one in classes if one != image.parts[1]])
        if image in flipped
        else image.parts[1]
        for image in images
    }
    with tempfile.TemporaryDirectory() as scratch:
        table, predictions = Path(scratch) / "flipped.csv", Path(scratch) / "predictions.csv"
        with table.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(["image", "label"])
            writer.writerows([DATA / image, labels[image]] for image in images)
        command = [finial, "inspect", table, "--predictions", predictions, "--format", "json", "--quiet"]
        done = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE)
        rows = list(csv.DictReader(predictions.open(encoding="utf-8")))
    found = json.loads(done.stdout)
    path = lambda name: Path(name).relative_to(DATA) if Path(name).is_absolute() else Path(name)
    wrong = {str(image) for image in flipped}
    ours = {str(path(one["image"])) for one in found["labels"]}
    yield told(seed, wrong, "finial", ours)
    probabilities = np.array([[float(row[name]) for name in classes] for row in rows])
    given = np.array([classes.index(row["label"]) for row in rows])
    for way, options in WAYS.items():
        issues = find_label_issues(given, probabilities, **options)
        yield told(seed, wrong, way, {str(path(row["image"])) for row, is_one in zip(rows, issues) if is_one})


def told(seed, wrong, way, named):
    right = len(wrong & named)
    return (
        f"| {seed} | {len(wrong)} | {way} | {len(named)} | {right / len(wrong):.3f} | "
        f"{right / max(1, len(named)):.3f} |"
    )


if __name__ == "__main__":
    main()
