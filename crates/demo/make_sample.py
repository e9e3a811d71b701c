#!/usr/bin/env python3
"""Makes the demo sample, `sample/sample.tar`: four small data sets, one per task.

    python3 crates/demo/make_sample.py            # writes sample/sample.tar
    python3 crates/demo/make_sample.py --check    # compares with the committed one, writes nothing

The material is two npm packages, fetched by name, pinned and checked against their integrity
values: the pictures and categories of `emoji-datasource-google`, the keywords of `emojilib`.
Nothing is chosen by hand except the lists at the top of this file; what is chosen by chance
follows from SEED. The archive is the folder that `finial demo` writes: an image that two data
sets share is stored once and is a hard link the second time.

The script sets itself up: it needs Python 3.11 or later with `venv`, and `npm`; Pillow is installed
into `target/demo-sample`. Who owns what is said in `sample/NOTICE.txt`.
"""

import argparse
import base64
import csv
import hashlib
import io
import json
import os
import random
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
SAMPLE = HERE / "sample" / "sample.tar"
WORK = HERE.parent.parent / "target" / "demo-sample"
PILLOW = "12.3.0"
SEED = 7

# npm packages: name, version, integrity.
PICTURES = (
    "emoji-datasource-google",
    "16.0.0",
    "sha512-ZRexfzs7MVoLnmzZmNsO4TKhnAJp5D++Vm6PpUpH/jEQQlemp3l88CjZ+DoZ2faM9R4QxZkOPJCoT8DlPhfQ3A==",
)
KEYWORDS = (
    "emojilib",
    "4.0.3",
    "sha512-KbWiYre9aRSaPbHrHZIz9zmoM+21LAsK1VFJtnTh1VCtWE/rNMDviGhQTmselFl95dhqtGlY22iH0leG5BuW0g==",
)

# Kinds of things, as the subcategories of the emoji list.
ANIMAL = ["animal-mammal", "animal-bird", "animal-marine", "animal-bug", "animal-reptile", "animal-amphibian"]
BUILDING = ["place-building", "place-religious"]
CLOTHING = ["clothing"]
FOOD = ["food-prepared", "food-vegetable", "food-fruit", "food-asian", "food-sweet"]
VEHICLE = ["transport-ground", "transport-air", "transport-water"]
PLANT = ["plant-flower", "plant-other", "food-fruit", "food-vegetable"]

# What the list files under these subcategories although it is not such a thing itself.
NOT_ONE_OF_THEM = set(
    "coral feather feet microbe pig_nose shell spider_web wing "
    "bricks building_construction rock statue_of_liberty wood "
    "folding_hand_fan gem hair_pick lipstick prayer_beads ring "
    "anchor busstop construction fuelpump motorway octagonal_sign oil_drum parachute railway_track "
    "ring_buoy rotating_light satellite seat station traffic_light vertical_traffic_light wheel "
    "brown_mushroom empty_nest mushroom nest_with_eggs rosette".split()
)

# Keywords of the multi-label set; the commonest are thinned out to about MOST images.
LABELS = ["animal", "face", "food", "hand", "love", "nature", "plant", "vehicle", "weather"]
MOST = 60
WITHOUT_LABEL = 40

# Pictures of the regression set: fish to be counted, and what else swims about.
FISH = ["fish", "tropical_fish", "blowfish"]
NOT_FISH = ["boat", "canoe", "crab", "ferry", "lobster", "motor_boat", "octopus", "passenger_ship", "ship", "speedboat", "squid"]
WATER = ["#dff1fb", "#e8f6f8", "#d7ebf7", "#eef8ff"]
PICTURE_COUNT = 200
MOST_FISH = 9
MOST_OTHERS = 6


def main():
    arguments = argparse.ArgumentParser(description="Makes the demo sample.")
    arguments.add_argument("--check", action="store_true", help="compare with the committed sample")
    check = arguments.parse_args().check
    run_with_pillow()
    emoji = read_emoji(fetch(PICTURES), fetch(KEYWORDS))
    files = kinds(emoji) | animal_or_plant(emoji) | keywords(emoji) | fish(emoji)
    archive = pack(files)
    if check:
        same = SAMPLE.read_bytes() == archive
        print(f"{SAMPLE.name} is {'what' if same else 'NOT what'} this script makes")
        sys.exit(0 if same else 1)
    SAMPLE.parent.mkdir(exist_ok=True)
    SAMPLE.write_bytes(archive)
    print(f"{SAMPLE}: {len(files)} files, {len(archive) / 1e6:.2f} MB")


# The four data sets. Each function gives paths in the demo folder and the bytes that go there.


def kinds(emoji):
    """Multi-class: class folders, no splits."""
    classes = {"animal": ANIMAL, "building": BUILDING, "clothing": CLOTHING, "food": FOOD, "vehicle": VEHICLE}
    return {
        f"kinds/{name}/{one['name']}.png": one["png"]
        for name, subcategories in classes.items()
        for one in of_kind(emoji, subcategories)
    }


def animal_or_plant(emoji):
    """Binary: class folders inside of split folders, three fifths of each class to train on."""
    files = {}
    for name, subcategories in {"animal": ANIMAL, "plant": PLANT}.items():
        chosen = of_kind(emoji, subcategories)
        random.Random(SEED).shuffle(chosen)
        fifth = round(len(chosen) / 5)
        for place, one in enumerate(chosen):
            split = "test" if place < fifth else "val" if place < 2 * fifth else "train"
            files[f"animal-or-plant/{split}/{name}/{one['name']}.png"] = one["png"]
    return files


def keywords(emoji):
    """Multi-label: a CSV table whose cells hold any number of keywords, `animal|nature`."""
    pool = [one for one in emoji if one["keywords"] and one["category"] != "Flags"]
    random.Random(SEED).shuffle(pool)
    pool.sort(key=lambda one: -len(labels(one)))  # those that carry several come first
    counts = dict.fromkeys(LABELS, 0)
    chosen, without = [], 0
    for one in pool:
        if not labels(one):
            without += 1
            if without > WITHOUT_LABEL:
                continue
        elif all(counts[label] >= MOST for label in labels(one)):
            continue
        for label in labels(one):
            counts[label] += 1
        chosen.append(one)
    chosen.sort(key=lambda one: one["name"])

    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["image", "keywords"])
    for one in chosen:
        writer.writerow([f"images/{one['name']}.png", "|".join(labels(one))])
    files = {f"keywords/images/{one['name']}.png": one["png"] for one in chosen}
    return files | {"keywords/keywords.csv": table.getvalue().encode()}


def labels(one):
    return [label for label in LABELS if label in one["keywords"]]


def fish(emoji):
    """Regression: JSON Lines with a number for each picture, how many fish swim in it."""
    by_name = {one["name"]: one for one in emoji}
    chance = random.Random(SEED)
    files, lines = {}, []
    for number in range(1, PICTURE_COUNT + 1):
        count = chance.randrange(MOST_FISH + 1)
        swimmers = [chance.choice(FISH) for _ in range(count)]
        swimmers += [chance.choice(NOT_FISH) for _ in range(chance.randrange(MOST_OTHERS + 1))]
        image = f"images/{number:03}.jpg"
        files[f"fish/{image}"] = sea([by_name[name]["png"] for name in swimmers], chance)
        lines.append(json.dumps({"image": image, "fish_count": count}) + "\n")
    return files | {"fish/fish.jsonl": "".join(lines).encode()}


def sea(pngs, chance, side=224, cells=4):
    """A square picture of `side` pixels with each swimmer in a cell of its own."""
    from PIL import Image

    places = [(x, y) for x in range(cells) for y in range(cells)]
    chance.shuffle(places)
    picture = Image.new("RGB", (side, side), chance.choice(WATER))
    cell = side // cells
    for png, (x, y) in zip(pngs, places, strict=False):
        size = chance.randrange(40, cell + 1)
        swimmer = Image.open(io.BytesIO(png)).convert("RGBA").resize((size, size), Image.Resampling.LANCZOS)
        corner = (x * cell + chance.randrange(cell - size + 1), y * cell + chance.randrange(cell - size + 1))
        picture.paste(swimmer, corner, swimmer)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()


# The material.


def of_kind(emoji, subcategories):
    return [one for one in emoji if one["subcategory"] in subcategories and one["name"] not in NOT_ONE_OF_THEM]


def read_emoji(pictures, keywords):
    """Every emoji that has a picture, by name."""
    words = json.loads(read(keywords, "package/dist/emoji-en-US.json"))
    wanted = [one for one in json.loads(read(pictures, "package/emoji.json")) if one["has_img_google"]]
    pngs = read_all(pictures, "package/img/google/64/")
    emoji = []
    for one in wanted:
        text = "".join(chr(int(code, 16)) for code in one["unified"].split("-"))
        emoji.append(
            {
                "name": one["short_name"],
                "category": one["category"],
                "subcategory": one["subcategory"],
                "keywords": set(words.get(text, words.get(text.replace("\ufe0f", ""), []))),
                "png": pngs[one["image"]],
            }
        )
    return sorted(emoji, key=lambda one: one["name"])


def read(package, path):
    with tarfile.open(package) as archive:
        return archive.extractfile(path).read()


def read_all(package, folder):
    with tarfile.open(package) as archive:
        return {
            entry.name.removeprefix(folder): archive.extractfile(entry).read()
            for entry in archive
            if entry.isfile() and entry.name.startswith(folder)
        }


def fetch(package):
    """The path of the npm package's archive, fetched unless it is there already."""
    name, version, integrity = package
    path = WORK / f"{name}-{version}.tgz"
    if not path.exists():
        WORK.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=WORK, check=True)
    digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != integrity:
        sys.exit(f"{path}: expected {integrity}, found sha512-{digest}; delete it to fetch it again")
    return path


def pack(files):
    """A tar archive of the files, the same bytes on every run."""
    out = io.BytesIO()
    stored = {}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.mode = 0o644
            first = stored.setdefault(content, path)
            if first == path:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
            else:
                entry.type, entry.linkname = tarfile.LNKTYPE, first
                archive.addfile(entry)
    return out.getvalue()


def run_with_pillow():
    """Starts this script again in an environment of its own, unless it runs there already."""
    home = WORK / f"pillow-{PILLOW}"
    if Path(sys.prefix) == home:
        return
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    installed = python.exists() and not subprocess.run([python, "-c", "import PIL"], check=False).returncode
    if not installed:
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"pillow=={PILLOW}"], check=True)
    sys.exit(subprocess.run([python, __file__, *sys.argv[1:]], check=False).returncode)


if __name__ == "__main__":
    main()
