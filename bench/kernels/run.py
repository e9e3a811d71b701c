#!/usr/bin/env python3
"""The kernels layer by layer: operations a second, and their share of what the processor can do.

    make bench-kernels                        # all layers, writes RESULTS.md
    python bench/kernels/run.py resnet50      # some, prints only

The numbers are those that the Criterion bench of `crates/kernels` prints.
"""

import re
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "speed"))

from tables import grid, machine  # noqa: E402  (lies beside, in bench/speed)

BENCH = ["cargo", "bench", "--locked", "-p", "finial-kernels", "--bench", "convolution", "--"]
LINE = re.compile(
    r"(?P<network>\w+) (?:back )?(?P<type>f32|bf16) (?P<threads>\d+)/(?P<layer>.+?)(?:, (?P<way>forward|to the \w+))?: "
    r"(?P<rate>\d+) GFLOP/s(?:, (?P<share>\d+) % of (?P<peak>\d+))?$"
)
TYPES = ("f32", "bf16")


def main(chosen):
    with subprocess.Popen([*BENCH, *chosen], cwd=HERE.parents[1], stdout=subprocess.PIPE, text=True) as bench:
        found = read(bench.stdout)
    if bench.returncode:
        sys.exit("the bench failed")
    text = page(found)
    print(text)
    if not chosen:
        (HERE / "RESULTS.md").write_text(text, encoding="utf-8")


def read(lines):
    """`{network: {layer: {(way, type, threads): [rate, share, peak]}}}`; what is read is shown."""
    found = {}
    for line in lines:
        if match := LINE.match(line.strip()):
            of = found.setdefault(match["network"], {}).setdefault(match["layer"], {})
            kind = (match["way"] or "run", match["type"], int(match["threads"]))
            of[kind] = [int(match[part] or 0) for part in ("rate", "share", "peak")]
            print(line.strip(), file=sys.stderr)
    return found


def page(found):
    cores = max(threads for layers in found.values() for kinds in layers.values() for _, _, threads in kinds)
    parts = [
        "# Kernels, layer by layer",
        f"Written by `make bench-kernels`. Machine: {machine()}.",
        "GFLOP/s of each distinct convolution of a network, one image at a time and with ReLU; a multiplication and "
        f"an addition are two operations. “%” is the share of what the processor can do on {cores} cores, measured "
        "beside each layer with a loop that touches no memory; Winograd's transform spares multiplications, so that "
        f"3 × 3 filters may pass 100. “{cores} / 1” is the speed on {cores} cores over that on one.",
        "The second table of each network is a step of training, for 8 images on all cores, packing of weights "
        "included: forward, and back to the input and to the weights. “× forward” is what both ways back take together, "
        "over what the way forward takes.",
    ]
    for network, layers in found.items():
        parts += [f"## {network}", *running(layers, cores), *training(layers, cores)]
    return "\n\n".join(parts) + "\n"


def running(layers, cores):
    head = [f"{kind} {what}" for kind in TYPES for what in ("1 core", f"{cores} cores", "%", f"{cores} / 1")]
    rows, gains = [], {kind: [] for kind in TYPES}
    for layer, kinds in layers.items():
        cells = []
        for kind in TYPES:
            one, all_cores = kinds.get(("run", kind, 1)), kinds.get(("run", kind, cores))
            if not one or not all_cores:
                break
            gains[kind].append(all_cores[0] / one[0])
            cells += [one[0], all_cores[0], all_cores[1], f"{all_cores[0] / one[0]:.2f}"]
        if cells:
            rows.append([layer, *cells])
    if rows:
        yield table(["", *head], rows)
        medians = " and ".join(f"{statistics.median(gains[kind]):.2f} in {kind}" for kind in TYPES)
        yield f"From one core to {cores}, the median layer is {medians} times as fast."


def training(layers, cores):
    ways = ("forward", "to the input", "to the weights")
    head = [f"{kind} {what}" for kind in TYPES for what in (*ways, "× forward")]
    rows, sums = [], {kind: [0, 0, 0] for kind in TYPES}
    for layer, kinds in layers.items():
        cells = []
        for kind in TYPES:
            rates = [kinds[way, kind, cores][0] for way in ways if (way, kind, cores) in kinds]
            if len(rates) < len(ways) or not all(rates):
                break
            cells += [*rates, f"{rates[0] / rates[1] + rates[0] / rates[2]:.1f}"]
            takes = [operations(layer) / rate for rate in rates]
            # Nothing wants the gradient of the pictures.
            takes[1] *= ", 3 to " not in layer
            sums[kind] = [sum(both) for both in zip(sums[kind], takes)]
        if cells:
            rows.append([layer, *cells])
    if rows:
        yield table(["", *head], rows)
        ratios = " and ".join(f"{(back + more) / forth:.1f} in {kind}" for kind, (forth, back, more) in sums.items())
        yield f"Through all of these layers, without the gradient of the pictures, the ways back take {ratios} × the way forward."


def operations(layer):
    """Up to a factor: of “KxK by STRIDE, CHANNELS to FILTERS at SIDE”."""
    kernel, stride, channels, filters, side = map(int, re.findall(r"(\d+)x\d+ by (\d+), (\d+) to (\d+) at (\d+)", layer)[0])
    return kernel * kernel * channels * filters * (side / stride) ** 2


def table(head, rows):
    lines = [(name, [(value, "{}") for value in cells]) for name, *cells in rows]
    return grid(head, lines, [None] * (len(head) - 1))


if __name__ == "__main__":
    main(sys.argv[1:])
