"""The data sets of the bench: where each comes from and how it is laid out.

Every `lay_out_…` function writes one folder from packages that are already there; the table
`SETS` at the end says which package, task and licence go with it. Fetching is done in
`packages.py`, and what is current or not is decided in `fetch.py`.
"""

import csv
import gzip
import io
import json
import random
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from packages import Package

STAMPS = Package(
    "debian",
    "tuxpaint-stamps-default",
    "2022.06.04-1",
    "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
)
FASHION = Package(
    "debian",
    "dataset-fashion-mnist",
    "0.0~git20200523.55506a9-1",
    "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
)
ELPV = Package(
    "pypi",
    "elpv-dataset",
    "1.0.0.post1",
    "85e31c1126ee9b48e62d3a0232c58f58b2d189b0814a45c13642fa0415af4a4c",
)
EMOJI = Package(
    "npm",
    "emoji-datasource-google",
    "16.0.0",
    "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438",
)
EMOJI_KEYWORDS = Package(
    "npm",
    "emojilib",
    "4.0.3",
    "7f9a6b43cff31d18985b7d65d11faba5bd971cbcc60020cf6d09322fbaaaf303",
)

# The folders of the stamps that hold photographs of one kind of thing, and their class.
PHOTOGRAPHS = {
    "animals": "animal",
    "symbols/money": "coin",
    "food": "food",
    "household": "household",
    "plants": "plant",
    "space": "space",
    "vehicles": "vehicle",
}
# Drawings, and currency signs set in type.
NO_PHOTOGRAPHS = {"cartoon", "00_symbols"}

FASHION_CLASSES = [
    "T-shirt or top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]

# A solar cell counts as defective from this probability of a defect on.
DEFECTIVE = 0.5
# A keyword counts as a label from this number of emoji on.
FEWEST = 40


def lay_out_stamps(folder, packages, options):
    """Class folders. Left out: drawings, and stamps that are the mirror image of another."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        subprocess.run(["dpkg-deb", "-x", packages[STAMPS], scratch], check=True)
        stamps = Path(scratch, "usr/share/tuxpaint/stamps")
        for source, name in PHOTOGRAPHS.items():
            (folder / name).mkdir()
            for path in sorted((stamps / source).rglob("*.png")):
                parts = path.relative_to(stamps / source).parts
                if NO_PHOTOGRAPHS.isdisjoint(parts) and not path.stem.endswith("_mirror"):
                    path.replace(folder / name / "-".join(parts))


def lay_out_elpv(folder, packages, options):
    """Two tables over the same images: defective or not, and how probably."""
    rows = []
    (folder / "images").mkdir()
    with zipfile.ZipFile(packages[ELPV]) as wheel:
        for line in wheel.read("elpv_dataset/data/labels.csv").decode().splitlines():
            image, probability, _module_type = line.split()
            (folder / image).write_bytes(wheel.read(f"elpv_dataset/data/{image}"))
            rows.append((image, float(probability)))
    answers = [(image, "yes" if probability >= DEFECTIVE else "no") for image, probability in rows]
    write_table(folder / "defective.csv", ("image", "defective"), answers)
    write_table(folder / "probability.csv", ("image", "defect_probability"), rows)


def lay_out_fashion(folder, packages, options):
    """Class folders in `train` and `test`, as published; of each class the same number."""
    from PIL import Image

    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        subprocess.run(["dpkg-deb", "-x", packages[FASHION], scratch], check=True)
        source = Path(scratch, "usr/share/datasets/fashion-mnist")
        for split, stem in {"train": "train", "test": "t10k"}.items():
            pixels = gzip.decompress((source / f"{stem}-images-idx3-ubyte.gz").read_bytes())[16:]
            labels = gzip.decompress((source / f"{stem}-labels-idx1-ubyte.gz").read_bytes())[8:]
            side = 28
            for index in some_of_each(labels, options[f"fashion_{split}"], options["seed"]):
                place = folder / split / FASHION_CLASSES[labels[index]] / f"{index:05}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                pixel = pixels[index * side * side : (index + 1) * side * side]
                Image.frombytes("L", (side, side), pixel).save(place)


def some_of_each(labels, count, seed):
    """Indices of about `count` samples, equally many of each class, chosen by the seed."""
    chance = random.Random(seed)
    chosen = []
    for label in sorted(set(labels)):
        members = [index for index, other in enumerate(labels) if other == label]
        chosen += chance.sample(members, min(len(members), count // len(set(labels))))
    return sorted(chosen)


def lay_out_emoji(folder, packages, options):
    """A table whose cells hold every frequent keyword of the emoji, or none."""
    with tarfile.open(packages[EMOJI_KEYWORDS]) as archive:
        words = json.load(archive.extractfile("package/dist/emoji-en-US.json"))
    rows = []
    (folder / "images").mkdir()
    with tarfile.open(packages[EMOJI]) as archive:
        pictures = "package/img/google/64/"
        for one in json.load(archive.extractfile("package/emoji.json")):
            text = "".join(chr(int(code, 16)) for code in one["unified"].split("-"))
            keywords = words.get(text, words.get(text.replace("\ufe0f", ""), []))
            if one["has_img_google"] and keywords:
                rows.append((f"images/{one['image']}", keywords))
        wanted = {pictures + image.removeprefix("images/"): image for image, _ in rows}
        for entry in archive:
            if entry.name in wanted:
                with open(folder / wanted[entry.name], "wb") as out:
                    shutil.copyfileobj(archive.extractfile(entry), out)
    counts = Counter(word for _, keywords in rows for word in set(keywords))
    cells = [
        (image, "|".join(sorted(word for word in set(keywords) if counts[word] >= FEWEST)))
        for image, keywords in sorted(rows)
    ]
    write_table(folder / "keywords.csv", ("image", "keywords"), cells)


def write_table(path, heading, rows):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heading)
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


@dataclass(frozen=True)
class DataSet:
    """A data set of the bench."""

    name: str
    path: str  # what to train on, in the data folder
    task: str
    licence: str
    packages: tuple[Package, ...]
    lay_out: Callable
    options: tuple[str, ...] = ()  # those that change what is laid out

    @property
    def folder(self):
        return self.path.split("/")[0]


SETS = [
    DataSet("stamps", "stamps", "multi-class", "GPL-2.0", (STAMPS,), lay_out_stamps),
    DataSet(
        "fashion-mnist",
        "fashion-mnist",
        "multi-class",
        "MIT",
        (FASHION,),
        lay_out_fashion,
        ("fashion_train", "fashion_test", "seed"),
    ),
    DataSet(
        "elpv-defect",
        "elpv/defective.csv",
        "binary",
        "CC-BY-NC-SA-4.0",
        (ELPV,),
        lay_out_elpv,
    ),
    DataSet(
        "emoji-keywords",
        "emoji-keywords/keywords.csv",
        "multi-label",
        "Apache-2.0, MIT",
        (EMOJI, EMOJI_KEYWORDS),
        lay_out_emoji,
    ),
    DataSet(
        "elpv-probability",
        "elpv/probability.csv",
        "regression",
        "CC-BY-NC-SA-4.0",
        (ELPV,),
        lay_out_elpv,
    ),
]
