#!/usr/bin/env python3
"""Runs `finial study` on the data sets of the bench and writes bench/study/RESULTS.md.

    python bench/study/run.py                       # all data sets, writes RESULTS.md
    python bench/study/run.py stamps elpv-defect    # prints the tables of some, writes nothing

Needs the data that `bench/data/fetch.py` fetches, and the program: `--finial`, or the release build.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DATA = ROOT / "target" / "bench" / "data"
sys.path.insert(0, str(HERE.parent / "data"))

from sets import SETS  # noqa: E402  (lies beside, in bench/data)

HEAD = """# What a wrong final layer costs

`finial study` on the data sets of `bench/data/README.md`: the pairings of activation and loss that people
use by mistake beside the right one, on the same stored features of EfficientNet-Lite0, from the same
weights, three runs each. Made by `python bench/study/run.py`; the numbers stand as they came out, also
where a wrong pairing did no harm.

How to read it: scores are means over the runs; intervals are 95 % over the test images. A sentence
tells a score if it differs from that of the right pairing by more than the choice of test images
explains. A run died if its loss was no number, or if it answered the same for every image.
"""


def main():
    names = [one.name for one in SETS]
    arguments = argparse.ArgumentParser(description="Runs `finial study` on the data of the bench.")
    arguments.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(names)}")
    arguments.add_argument("--finial", type=Path, default=ROOT / "target" / "release" / "finial")
    given = arguments.parse_args()
    unknown = set(given.names) - set(names)
    if unknown:
        arguments.error(f"unknown data set {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    chosen = [one for one in SETS if not given.names or one.name in given.names]
    text = "\n".join([HEAD, *(section(given.finial, one) for one in chosen)])
    print(text)
    if not given.names:
        (HERE / "RESULTS.md").write_text(text, encoding="utf-8")


def section(finial, one):
    """The table of a data set under its name."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "study.md"
        command = [finial, "study", DATA / one.path, "--out", out, "--quiet"]
        subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
        return shortened(one.name, out.read_text(encoding="utf-8"))


def shortened(name, page):
    """The facts and the table of a page that stands among others."""
    lines = page.splitlines()
    facts = [line[2:] for line in lines if line.startswith("- ") and not line.startswith("- data")]
    table = [line for line in lines if line.startswith("|")]
    return "\n".join([f"## {name}", "", "; ".join(facts) + ".", "", *table, ""])


if __name__ == "__main__":
    main()
