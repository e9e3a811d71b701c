"""Logits of finial's heads, before any calibration, on validation and test images of many splits.

For each data set and seed: `finial features` gives features and split, `finial train
--no-calibration` the head; its two or one dense layers are then run here. What is collected is kept
in `target/bench/certainty`, so that a second run computes only what is new.
"""

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "target" / "bench" / "certainty"


@dataclass
class Run:
    """What a head says of images that it did not learn from."""

    task: str
    validation: np.ndarray  # logits [N, units]
    validation_targets: np.ndarray
    test: np.ndarray
    test_targets: np.ndarray
    scale: np.ndarray  # [2, units]: deviation and mean of targets, for numbers


def collect(finial, data, name, seed):
    """The run of a data set with that seed."""
    kept = KEPT / f"{name}-{seed}.npz"
    if not kept.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT) as scratch:
            scratch = Path(scratch)
            made = made_by(finial, data, seed, scratch)
            np.savez_compressed(scratch / "run.npz", **made)
            shutil.move(scratch / "run.npz", kept)
    with np.load(kept) as found:
        return Run(**{key: found[key] if key != "task" else str(found[key]) for key in found})


def made_by(finial, data, seed, scratch):
    features, model = scratch / "features.safetensors", scratch / "model"
    quiet(finial, "features", data, "--out", features, "--seed", seed)
    quiet(finial, "train", data, "--out", model, "--seed", seed, "--no-calibration")
    with safe_open(features, "numpy") as file:
        names = json.loads(file.metadata()["split"])
        rows, targets, split = (file.get_tensor(key) for key in ("features", "targets", "split"))
    record = json.loads((model / "model.json").read_text(encoding="utf-8"))
    weights = load_file(model / "model.safetensors")
    made = {"task": record["task"]["kind"]}
    for part in ("validation", "test"):
        chosen = split == names.index(part)
        made[part] = logits(weights, rows[chosen])
        made[f"{part}_targets"] = targets[chosen]
    made["scale"] = rescale(record["graph"])
    return made


def rescale(graph):
    """What undoes the standardisation of numbers: deviation and mean of each target."""
    last = graph[-1]
    return np.array([last.get("scale", []), last.get("offset", [])], dtype=np.float32)


def quiet(finial, command, *rest):
    arguments = [finial, command, *rest, "--quiet"]
    subprocess.run([str(one) for one in arguments], check=True, stdout=subprocess.DEVNULL)


def logits(weights, rows):
    if "hidden.weight" in weights:
        rows = np.maximum(rows @ weights["hidden.weight"].T + weights["hidden.bias"], 0)
    return rows @ weights["logits.weight"].T + weights["logits.bias"]
