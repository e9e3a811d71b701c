#!/usr/bin/env python3
"""The speed bench: finial beside what a user would pick instead, on the same pictures.

    make bench                                    # all rows, writes bench/RESULTS.md
    target/bench/peers/bin/python bench/speed/run.py --rows a d
    target/bench/peers/bin/python bench/speed/run.py --quick --again

| row | what is measured |
|---|---|
| a | frozen features a second, of five networks |
| b | from a folder of 1,000 JPEGs to a trained and evaluated head of 10 epochs |
| c | the same again with the folder unchanged, and with ten photos added |
| d | one image, process start included |
| e | how (b) grows from 1,000 to 20,000 images |
| f | steps of fine-tuning: forward and backward through every layer |
| g | one pass over 2,000 photographs, beside decoding alone and computing alone |
| h | finial's own kernels on one core and on all |

Measurements are kept in `target/bench/speed`; a run that was stopped goes on where it was, and
`--again` measures the named rows anew. `--quick` measures little of everything, in ten minutes or
so, to see that it works; its results lie in `target/bench/speed` only.
"""

import argparse
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import contestants
import stage
import tables
from contestants import WORK, say
from program import Results

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    pictures: int  # of row (a)
    seconds: float  # that each network of row (a) runs at least
    networks: tuple  # of row (a)
    trained: tuple  # networks of row (b)
    folder: int  # pictures of rows (b) and (c)
    growth: tuple  # folders of row (e)
    stepped: tuple  # networks of row (f)
    passed: int  # pictures of row (g)
    rounds: dict  # by row


FULL = Size(
    pictures=32,
    seconds=3,
    networks=tuple(contestants.NETWORKS),
    trained=("resnet50", "efficientnet-lite0"),
    folder=1000,
    growth=(1000, 5000, 20_000),
    stepped=("resnet50", "mobilenet-v2"),
    passed=2000,
    rounds={"a": 3, "b": 3, "c": 3, "d": 7, "e": 1, "f": 3, "g": 2, "h": 2},
)
QUICK = Size(
    pictures=8,
    seconds=0.5,
    networks=("resnet50", "efficientnet-lite0"),
    trained=("efficientnet-lite0",),
    folder=200,
    growth=(200, 400),
    stepped=("mobilenet-v2",),
    passed=200,
    rounds={"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1, "h": 1},
)


def main():
    arguments = argparse.ArgumentParser(description="Runs the speed bench.")
    arguments.add_argument("--rows", nargs="+", choices="abcdefgh", default=list("abcdefgh"))
    arguments.add_argument("--quick", action="store_true", help="little of everything")
    arguments.add_argument("--again", action="store_true", help="measure the rows anew")
    arguments.add_argument("--no-build", action="store_true", help="take the programs that are there")
    given = arguments.parse_args()
    size = QUICK if given.quick else FULL
    WORK.mkdir(parents=True, exist_ok=True)
    if not given.no_build:
        stage.build()
    results = Results(WORK / ("quick.json" if given.quick else "full.json"))
    bench = Bench(size, results, WORK / "bench.log")
    for row in given.rows:
        if given.again:
            results.forget(row)
        getattr(bench, f"row_{row}")()
    text = tables.page(results.rows, size, stage.versions())
    print(text)
    page = WORK / "QUICK.md" if given.quick else HERE.parent / "RESULTS.md"
    page.write_text(text, encoding="utf-8")
    say(f"written to {os.path.relpath(page)}")


class Bench:
    def __init__(self, size, results, log):
        self.size, self.results, self.log = size, results, log

    def measure(self, row, table, programs, rounds=None):
        self.results.measure(row, table, programs, rounds or self.size.rounds[row], self.log)

    def row_a(self):
        for network in self.size.networks:
            stage.network(network)
            pixels = stage.pixels(self.size.pictures, contestants.NETWORKS[network])
            self.measure("a", network, contestants.of_features(network, pixels, self.size.seconds))

    def row_b(self):
        folder = stage.data(self.size.folder)
        for network in self.size.trained:
            stage.network(network)
            self.measure("b", network, contestants.of_training(network, folder))

    def row_c(self):
        network = self.size.trained[0]
        stage.network(network)
        folder = WORK / "data-changing"
        turns = iter(range(1000))
        for name, choice in contestants.engines().items():
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(stage.data(self.size.folder), folder, copy_function=os.link)
            contestants.forget_features()
            first = contestants.train(name, network, folder, choice, lambda: None)
            done = self.results.of("c").get("unchanged", {}).get(name, [])
            if len(done) >= self.size.rounds["c"] or any("failed" in sample for sample in done):
                continue
            self.measure("c", "first", [first], 1)
            self.measure("c", "unchanged", [first])
            more = contestants.train(name, network, folder, choice, lambda: stage.add(folder, next(turns)))
            self.measure("c", "ten photos more", [more])
        shutil.rmtree(folder, ignore_errors=True)

    def row_d(self):
        stage.network("efficientnet-lite0")
        self.measure("d", "predict", contestants.of_start(stage.pictures(1)[0]))

    def row_e(self):
        network = "efficientnet-lite0"
        stage.network(network)
        for count in self.size.growth:
            folder = stage.data(count)
            programs = [
                contestants.train(name, network, folder, choice, contestants.forget_features)
                for name, choice in contestants.FASTER.items()
            ]
            self.measure("e", str(count), programs)

    def row_f(self):
        for network in self.size.stepped:
            stage.network(network)
            pixels = stage.pixels(self.size.pictures, contestants.NETWORKS[network])
            self.measure("f", network, contestants.of_steps(network, pixels, self.size.seconds))

    def row_g(self):
        folder = stage.data(self.size.passed)
        for network in self.size.trained:
            stage.network(network)
            self.measure("g", network, contestants.of_passes(network, folder))

    def row_h(self):
        for network in self.size.networks:
            stage.network(network)
            pixels = stage.pixels(self.size.pictures, contestants.NETWORKS[network])
            self.measure("h", network, contestants.of_cores(network, pixels, self.size.seconds))


if __name__ == "__main__":
    sys.exit(main())
