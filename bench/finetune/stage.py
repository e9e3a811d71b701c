"""What the bench needs before anything is trained: parts of the data sets, and the weights for all.

Each part is a table beside small pictures that need no resizing any more, so that all programs see the
same numbers; it is drawn by the seed, and has each class about as often as the whole. What is there is kept.
"""

import csv
import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DATA = ROOT / "target" / "bench" / "data"
WORK = ROOT / "target" / "bench" / "finetune"
sys.path.insert(0, str(HERE.parent / "data"))

from sets import SETS  # noqa: E402  (lies beside, in bench/data)

# The data sets: images to learn from, for validation, to test on; and the side of the pictures.
# At 128 a step takes a third of the time that it takes at 224.
SIDE = 128
# A keyword is a label of a part only if so many images to learn from have it.
FEWEST = 4
SIZES = {
    "stamps": (180, 60, 67),
    "fashion-mnist": (300, 100, 500),
    "elpv-defect": (300, 100, 500),
    "emoji-keywords": (300, 100, 500),
}


def part(name, seed, shrink=1):
    """The table of a part of a data set, with columns image, label, split; a file of the same name
    ending in .json says the task and the names of its classes or labels."""
    folder = WORK / "data" / f"{name}-{SIDE}-{seed}{'-small' * (shrink > 1)}"
    table = folder / "part.csv"
    if table.exists():
        return table
    one = next(one for one in SETS if one.name == name)
    images = spread(sorted(listed(one)), random.Random(seed))
    beside = folder.with_suffix(".part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    rows, start = [], 0
    for split, count in zip(("train", "validation", "test"), SIZES[name]):
        for path, label in images[start : start + count // shrink]:
            rows.append((f"{len(rows):04}.png", label, split))
            picture(path).save(beside / rows[-1][0])
        start += count
    seen = Counter(word for _, label, split in rows if split == "train" for word in label.split("|") if word)
    least = FEWEST if one.task == "multi-label" else 1
    names = sorted(word for word, count in seen.items() if count >= least)
    rows = [(image, "|".join(word for word in label.split("|") if word in names), split)
            for image, label, split in rows]
    with open(beside / "part.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("image", "label", "split"), *rows])
    about = {"task": one.task, "names": names}
    (beside / "part.json").write_text(json.dumps(about), encoding="utf-8")
    beside.replace(folder)
    return table


def spread(images, chance):
    """In an order of which every stretch has each class about as often as the whole."""
    chance.shuffle(images)
    counts, passed = Counter(label for _, label in images), Counter()
    places = []
    for _, label in images:
        places.append((passed[label] + chance.random()) / counts[label])
        passed[label] += 1
    return [image for _, image in sorted(zip(places, images))]


def listed(one):
    """Every image of a data set with its label; several are joined by `|`."""
    path = DATA / one.path
    if path.suffix == ".csv":
        with open(path, newline="", encoding="utf-8") as file:
            return [(path.parent / image, label) for image, label in list(csv.reader(file))[1:]]
    return [(image, image.parent.name) for image in path.rglob("*.png")]


def picture(path):
    """As finial sees it: transparency on white, grey as colour."""
    image = Image.open(path)
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)


def weights(finial, table):
    """The network as PyTorch's and Keras's peers read it: the frozen part of a model of finial's."""
    model = WORK / "lite0"
    if not model.exists():
        run(finial, "train", table, "--out", model, "--image-size", SIDE, "--epochs", 1, "--no-cache", "-q")
    for kind in ("safetensors", "keras"):
        if not (file := model.with_suffix(f".{kind}")).exists():
            run(finial, "export", model, "--to", kind, "--out", file)
    shown = run(finial, "backbones", "efficientnet-lite0", "--format", "json")
    with open(model.with_suffix(".safetensors"), "rb") as file:
        stored = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    layers = [layer["name"] for layer in json.loads(shown)["layers"]]
    kinds = ("weight", "bias", "running_mean", "running_var")
    # timm has the same tensors in the same order, under other names.
    order = [name for layer in layers for kind in kinds if (name := f"{layer}.{kind}") in stored]
    model.with_suffix(".order").write_text("\n".join(order), encoding="utf-8")
    return model


def run(*command):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout
