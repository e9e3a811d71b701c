#!/usr/bin/env python3
"""Runs the score bench: every data set through finial and through scikit-learn.

    python bench/scores/run.py                       # all data sets, writes bench/scores/RESULTS.md
    python bench/scores/run.py stamps elpv-defect    # prints the table of some, writes nothing

In this order: fetch the data (`bench/data/fetch.py`), `finial features`, `finial train`, the
comparison (`compare.py`), and `finial train` on features in f32 and in bf16. What is made on the
way lies in `target/bench/scores`. The program is built with `cargo build --release` unless
`--finial` names one.
"""

import argparse
import json
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

import sklearn

import compare

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "target" / "bench" / "scores"
DATA = ROOT / "target" / "bench" / "data"
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "data")]

from level import error_of  # noqa: E402  (lies in bench)
from sets import SETS  # noqa: E402  (lies beside, in bench/data)


def main():
    names = [one.name for one in SETS]
    arguments = argparse.ArgumentParser(description="Runs the score bench.")
    arguments.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(names)}")
    arguments.add_argument("--finial", type=Path, help="the program; built if not given")
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    unknown = set(given.names) - set(names)
    if unknown:
        arguments.error(f"unknown data set {', '.join(sorted(unknown))}; there are {', '.join(names)}")

    chosen = [one for one in SETS if not given.names or one.name in given.names]
    subprocess.run([sys.executable, HERE.parent / "data" / "fetch.py", *given.names], check=True)
    finial = given.finial or build()
    rows, notes, short = [], [], []
    for one in chosen:
        print(f"{one.name} …", file=sys.stderr)
        new, note = score(finial, one, given.seed)
        rows += new
        notes.append(note)
        short += precisions(finial, one, given.seed)
    text = results(finial, given.seed, rows, notes, short)
    print(text)
    if not given.names:
        (HERE / "RESULTS.md").write_text(text, encoding="utf-8")


def build():
    subprocess.run(["cargo", "build", "--release", "--package", "finial"], cwd=ROOT, check=True)
    return ROOT / "target" / "release" / "finial"


def score(finial, one, seed):
    """The rows of a data set, and a line on how they came about."""
    WORK.mkdir(parents=True, exist_ok=True)
    features = WORK / f"{one.name}.safetensors"
    features.unlink(missing_ok=True)
    _, extraction = timed([finial, "features", DATA / one.path, "--out", features, "--seed", str(seed)])
    printed, training = train(finial, one, seed)
    (WORK / f"{one.name}.json").write_text(printed, encoding="utf-8")
    result = json.loads(printed)
    started = time.monotonic()
    rows, choice = compare.compare(one.name, features, result)
    baseline = time.monotonic() - started
    note = (
        f"- **{one.name}**: features {extraction:.0f} s, training {training:.0f} s, "
        f"baseline {baseline:.0f} s ({choice}). {result.get('reason', '')}"
    )
    return rows, note.rstrip()


def precisions(finial, one, seed):
    """Rows that compare heads on features in f32 and in bf16, by finial's own kernels."""
    trained = {}
    for precision in ("f32", "bf16"):
        printed, _ = train(finial, one, seed, "--engine", "finial", "--precision", precision)
        trained[precision] = json.loads(printed)
    long, short = (trained[precision]["metrics"] for precision in ("f32", "bf16"))
    for metric, interval in trained["f32"]["intervals"].items():
        error = error_of(interval)
        difference = short[metric] - long[metric]
        verdict = "within" if abs(difference) <= error else "beyond"
        yield (
            f"| {one.name} | {metric} | {long[metric]:.4f} | {short[metric]:.4f} "
            f"| {difference:+.4f} | {error:.4f} | {verdict} |"
        )


def train(finial, one, seed, *how):
    """What `finial train` prints as JSON, and the seconds it took."""
    model = WORK / f"{one.name}.model"
    if model.exists():
        shutil.rmtree(model)
    return timed([finial, "train", DATA / one.path, "--out", model, "--seed", str(seed), "--format", "json", *how])


def timed(command):
    """What the command prints, and the seconds it took."""
    started = time.monotonic()
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"`{' '.join(map(str, command))}` failed with exit code {done.returncode}")
    return done.stdout, time.monotonic() - started


def results(finial, seed, rows, notes, short):
    """The page RESULTS.md."""
    version = subprocess.run([finial, "--version"], capture_output=True, text=True).stdout.strip()
    return "\n".join(
        [
            "# Scores",
            "",
            "How well finial's heads do beside scikit-learn's best regularised linear model on the same",
            "features and splits. Made by `python bench/scores/run.py`; what the data sets are is said in",
            "`bench/data/README.md`.",
            "",
            f"{version or 'finial'}, scikit-learn {sklearn.__version__}, seed {seed}, {platform.system()} "
            f"on {platform.machine()}.",
            "",
            compare.HEADING,
            *rows,
            "",
            compare.LEGEND,
            "",
            *notes,
            "",
            "## Features in bf16",
            "",
            "The same heads on features that finial's own kernels computed in f32 and in bf16. The standard",
            "error is that of the score in f32, from its bootstrap interval.",
            "",
            "| data set | metric | f32 | bf16 | difference | standard error | verdict |",
            "|---|---|---:|---:|---:|---:|---|",
            *short,
            "",
        ]
    )


if __name__ == "__main__":
    main()
