#!/usr/bin/env python3
"""Fine-tuning: finial beside timm on PyTorch and Keras on TensorFlow, all on the same plan.

    make bench-finetune                                          # everything, writes RESULTS.md
    target/bench/peers/bin/python bench/finetune/run.py --seeds 1 --sets stamps
    target/bench/peers/bin/python bench/finetune/run.py --quick  # little of everything, prints

Needs the data that `bench/data/fetch.py` fetches, and the program: `--finial`, or the release build.
Measurements are kept in `target/bench/finetune`, so a run that was stopped goes on where it was, and
the whole can be made in pieces; the page shows what is there.
"""

import argparse
import math
import shutil
import statistics
import sys
from pathlib import Path

import stage
from stage import HERE, ROOT, SIZES, WORK

sys.path[:0] = [str(HERE.parent), str(HERE.parent / "speed")]

from level import error_of, verdict  # noqa: E402  (lies in bench)
from program import Program, Results, measure  # noqa: E402  (lies beside, in bench/speed)

WAYS = ("head", "last-block", "all")
CONTESTANTS = ("finial", "timm", "Keras")
# What finial's metrics call the score by which a task is judged.
SCORES = {"multi-class": "accuracy", "binary": "roc_auc", "multi-label": "mean_average_precision"}
EPOCHS = 6


def main():
    arguments = argparse.ArgumentParser(description="Runs the bench of fine-tuning.")
    arguments.add_argument("--sets", nargs="+", choices=list(SIZES), default=list(SIZES))
    arguments.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    arguments.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--quick", action="store_true", help="a sixth of the images, one epoch, one seed")
    arguments.add_argument("--again", action="store_true", help="measure anew what is named")
    arguments.add_argument("--finial", type=Path, default=ROOT / "target" / "release" / "finial")
    arguments.add_argument("--python", type=Path, default=Path(sys.executable), help="that runs the peers")
    given = arguments.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    results = Results(WORK / ("quick.json" if given.quick else "full.json"))
    epochs, seeds, shrink = (1, 1, 6) if given.quick else (EPOCHS, given.seeds, 1)
    for seed in range(seeds):
        for name in given.sets:
            table = stage.part(name, seed, shrink)
            weights = stage.weights(given.finial, table)
            for way in given.ways:
                for contestant in given.only:
                    kept = results.of(name).setdefault(way, {}).setdefault(contestant, {})
                    if str(seed) in kept and not given.again:
                        continue
                    print(f"{name}, {way}, seed {seed}: {contestant} …", file=sys.stderr)
                    program = Program(contestant, command(contestant, given, weights, table, way, epochs, seed))
                    kept[str(seed)] = only_what_counts(measure(program, WORK / "bench.log"))
                    results.save()
    text = page(results.rows)
    print(text)
    if not given.quick:
        (HERE / "RESULTS.md").write_text(text, encoding="utf-8")


def command(contestant, given, weights, table, way, epochs, seed):
    if contestant == "finial":
        model = WORK / "trained"
        shutil.rmtree(model, ignore_errors=True)
        tuned = () if way == "head" else ("--fine-tune", way, "--tune-epochs", epochs)
        settings = ("--image-size", stage.SIDE, "--seed", seed, "--no-cache", "--format", "json", "-q")
        return (given.finial, "train", table, "--out", model, *settings, *tuned)
    peer, ending = {"timm": ("torch", "safetensors"), "Keras": ("keras", "keras")}[contestant]
    program = HERE / "peers" / f"{peer}_peer.py"
    return (given.python, "-W", "ignore", program, weights.with_suffix(f".{ending}"), table, way, epochs, seed)


def only_what_counts(measured):
    """The score and the best epoch, whoever said it; of finial's also the standard error."""
    if "metrics" in measured:
        name = SCORES[measured["task"]]
        measured["score"] = measured["metrics"][name]
        measured["error"] = error_of(measured["intervals"][name])
        tuned = measured["fine_tuned"] or {"best_epoch": 0}
        measured["best_epoch"] = tuned["best_epoch"]
    return {key: measured[key] for key in ("score", "error", "best_epoch", "failed") if key in measured}


def page(rows):
    """RESULTS.md."""
    lines = [
        "# Fine-tuning",
        "",
        "A frozen EfficientNet-Lite0 with a head, its last block tuned with the head, and all of it: finial",
        "with its defaults beside timm on PyTorch and Keras on TensorFlow, which do the same by the same plan",
        f"(`peers/plan.py`), from the same weights, on the same pictures of {stage.SIDE} × {stage.SIDE};",
        f"{EPOCHS} epochs of fine-tuning. Made by `make bench-finetune`; the numbers stand as they came out.",
        "",
        "Scores are of test images that nothing was chosen by: accuracy for stamps and Fashion-MNIST, area",
        "under the ROC curve for ELPV, mean average precision for emoji; means over the seeds, each of which",
        "draws other images. The standard error is that of finial's score, by how far it varies over test",
        "sets drawn anew from these. *Level* is within one standard error of the better peer. How long a step",
        "takes beside the peers is in `bench/RESULTS.md`.",
        "",
        "| data | learned from | seeds | tuned | finial | standard error | timm | Keras | finial is |",
        "|---|---:|---:|---|---:|---:|---:|---:|---|",
    ]
    for name, ways in rows.items():
        for way, contestants in ways.items():
            lines.append(row(name, way, [contestants.get(one, {}) for one in CONTESTANTS]))
    return "\n".join(lines) + "\n"


def row(name, way, measured):
    """A line of the table, over the seeds that all have been through."""
    common = set.intersection(*(scored(own) for own in measured))
    cells = ["–"] * 5
    if common:
        ours, *peers = (statistics.mean(own[seed]["score"] for seed in common) for own in measured)
        error = math.hypot(*(measured[0][seed]["error"] for seed in common)) / len(common)
        cells = [f"{number:.3f}" for number in (ours, error, *peers)] + [verdict(ours - max(peers), error)]
    return f"| {name} | {SIZES[name][0]} | {len(common)} | {way} | {' | '.join(cells)} |"


def scored(samples):
    return {seed for seed, sample in samples.items() if "score" in sample}


if __name__ == "__main__":
    main()
