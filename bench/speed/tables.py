"""Measurements as a page: medians, ratios, the machine. The best of a column is bold."""

import os
import platform
import statistics
from datetime import date
from pathlib import Path

from contestants import ARTICLE, ENGINES, ONE_CORE

KERAS, OPENVINO = "Keras on TensorFlow", ("OpenVINO, f32", "OpenVINO, bf16")


def page(rows, size, versions):
    parts = ["# Speed beside other tools", opening(size, versions)]
    for row, (title, table) in ROWS.items():
        if rows.get(row):
            parts += [f"## ({row}) {title}", *table(rows[row], size)]
    return "\n\n".join(parts) + "\n"


def opening(size, versions):
    peers = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"""Written by `make bench` on {date.today()}; `bench/speed` says how.

Machine: {machine()}. Peers: {peers}.

Every program reads the same pictures in the same run; programs take turns, and a figure is the
median of its turns. Ratios hold from machine to machine better than figures. The best of a column is **bold**,
whoever it is. "–" is what a program cannot do here."""


def machine():
    model, flags = platform.processor() or platform.machine(), ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = dict(line.split(":", 1) for line in cpuinfo.read_text().splitlines() if ":" in line)
        lines = {key.strip(): value.strip() for key, value in lines.items()}
        model = lines.get("model name", model)
        known = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_bf16": "AVX-512 BF16", "amx_bf16": "AMX BF16"}
        flags = ", ".join(name for flag, name in known.items() if flag in lines.get("flags", "").split())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {flags or platform.machine()}, {memory:.0f} GiB, {platform.system()}"


def median(samples, key="seconds"):
    """Of what was measured; nothing for a program that failed."""
    values = [sample[key] for sample in samples or [] if key in sample]
    return statistics.median(values) if values else None


def grid(heading, lines, best):
    """A Markdown table. `lines` hold a name and values with how to write them; `best` says for
    each column whether more is better, less is better, or neither."""
    bold = []
    for column, choose in enumerate(best):
        values = [cells[column][0] for _, cells in lines if cells[column][0] is not None]
        bold.append(choose(values) if choose and values else None)
    out = [f"| {' | '.join(heading)} |", "|---" + "|---:" * (len(heading) - 1) + "|"]
    for name, cells in lines:
        texts = ["–" if value is None else form.format(value) for value, form in cells]
        texts = [f"**{t}**" if b is not None and c[0] == b else t for t, c, b in zip(texts, cells, bold)]
        out.append(f"| {name} | {' | '.join(texts)} |")
    return "\n".join(out)


def features(row, size):
    networks = [network for network in size.networks if network in row]
    names = list(dict.fromkeys(name for network in networks for name in row[network]))
    rate = {(name, n): median(row[n].get(name), "images_per_second") for name in names for n in networks}
    lines = [(name, [(rate[name, n], "{:.1f}") for n in networks]) for name in names]
    yield "Images a second through the network, decoded pictures in memory, cut behind the pooled map."
    yield grid(("", *networks), lines, [max] * len(networks))

    def best(names, network):
        return max((rate[name, network] or 0 for name in names if (name, network) in rate), default=0) or None

    def ratios(title, over, under):
        cells = []
        for network in networks:
            one, other = best(over, network), best(under, network)
            cells.append((one / other if one and other else None, "{:.2f} ×"))
        return title, cells

    ours = [name for name in names if name in ENGINES]
    lines = [
        ratios("finial with OpenVINO / OpenVINO, f32", ["finial with OpenVINO, f32"], OPENVINO[:1]),
        ratios("finial with OpenVINO / OpenVINO, bf16", ["finial with OpenVINO, bf16"], OPENVINO[1:]),
        ratios("finial's fastest / Keras", ours, [KERAS]),
        ratios("finial's fastest in pure Rust / Keras", [n for n in ours if "OpenVINO" not in n], [KERAS]),
        ratios("finial's fastest / fastest peer", ours, [n for n in names if n not in ENGINES]),
    ]
    yield grid(("ratio", *networks), lines, [None] * len(networks))
    yield (
        "Weights are random, from one seed, but for EfficientNet-Lite0, whose real ones are inside finial. finial "
        "and Keras run Keras's networks, ONNX Runtime and OpenVINO the files that finial exports of them; timm has "
        "its own variants, of which ResNet50 multiplies 6 % more and Lite0 is the same. Keras has no Lite0 and runs the one "
        "that finial exports."
    )


def accuracy(samples):
    """Reported at the top by peers, and among the metrics by finial."""
    found = [sample.get("accuracy", (sample.get("metrics") or {}).get("accuracy")) for sample in samples or []]
    found = [value for value in found if value is not None]
    return statistics.median(found) if found else None


def training(row, size):
    yield f"A folder of {size.folder:,} JPEGs of about 800 × 600, of which 15 % are tested on; pooled map, hidden layer of 128, Adam, 10 epochs."
    for network, programs in row.items():
        slowest = median(programs.get(ARTICLE))
        lines = []
        for name, samples in programs.items():
            seconds = median(samples)
            ratio = slowest / seconds if slowest and seconds else None
            cells = [
                (seconds, "{:.1f}"),
                (ratio, "{:.1f} ×"),
                (median(samples, "megabytes"), "{:.0f}"),
                (accuracy(samples), "{:.3f}"),
            ]
            lines.append((name, cells))
        yield f"### {network}"
        yield grid(("", "seconds", "the article's / this", "peak MB", "test accuracy"), lines, [min, None, min, None])
    tested = max(1, size.folder * 3 // 20)
    yield (
        f"A standard error of an accuracy near 0.8 is {(0.16 / tested) ** 0.5:.3f} here. ResNet50 has random weights "
        "(timm's are others than Keras's), so that its scores say little; EfficientNet-Lite0 has the same real weights "
        "everywhere. The article's program was run once, the others as often as rounds were made."
    )


def again(row, size):
    names = list(row.get("first", {}))
    tables = ("first", "unchanged", "ten photos more")
    lines = [(name, [(median(row.get(table, {}).get(name)), "{:.2f}") for table in tables]) for name in names]
    yield f"Seconds, the same command as in (b) with {size.trained[0]}; the peers keep nothing and start over."
    yield grid(("", *tables), lines, [min] * 3)


def start(row, size):
    lines = [
        (name, [(median(samples), "{:.2f}"), (median(samples, "megabytes"), "{:.0f}")])
        for name, samples in row["predict"].items()
    ]
    yield "EfficientNet-Lite0 with a head of ten classes, one JPEG."
    yield grid(("", "seconds", "peak MB"), lines, [min, min])


def growth(row, size):
    counts = sorted(row, key=int)
    names = list(dict.fromkeys(name for count in counts for name in row[count]))
    lines = []
    for name in names:
        cells = []
        for count in counts:
            samples = row[count].get(name)
            cells += [(median(samples), "{:.1f}"), (median(samples, "megabytes"), "{:.0f}")]
        first, last = cells[0][0], cells[-2][0]
        per_image = last / first * int(counts[0]) / int(counts[-1]) if first and last else None
        lines.append((name, [*cells, (per_image, "{:.2f} ×")]))
    heading = [text for count in counts for text in (f"{int(count):,}: s", "MB")]
    yield "EfficientNet-Lite0, as in (b). The last column is the time for one image among the most, over that among the fewest."
    yield grid(("", *heading, "growth"), lines, [None] * (len(heading) + 1))


def rates(row):
    """`{network: {program: images a second}}`, and the lines of a table of them."""
    rate = {n: {name: median(s, "images_per_second") for name, s in row[n].items()} for n in row}
    names = list(dict.fromkeys(name for programs in row.values() for name in programs))
    return rate, [(name, [(rate[n].get(name), "{:.1f}") for n in row]) for name in names]


def times_as_fast(rate, title, over, under):
    """A line of how much faster one program is than another, of each network."""
    pairs = [(programs.get(over), programs.get(under)) for programs in rate.values()]
    return title, [(one / other if one and other else None, "{:.2f} ×") for one, other in pairs]


def steps(row, size):
    rate, lines = rates(row)
    yield (
        "Images a second of a training step: forward, and back to every weight; batch norms with the statistics that "
        "they came with. In bf16, finial rounds the factors of products; PyTorch also what lies between layers."
    )
    yield grid(("", *row), lines, [max] * len(row))
    pairs = [(f"finial, {kind}", f"torch + timm, {kind}") for kind in ("f32", "bf16")]
    lines = [times_as_fast(rate, f"finial / {theirs}", ours, theirs) for ours, theirs in pairs]
    yield grid(("ratio", *row), lines, [None] * len(row))


def passes(row, size):
    yield (
        f"Seconds for {size.passed:,} JPEGs of about 800 × 600 from their files to stored features, for decoding them "
        "alone, and for computing as many decoded ones alone. Each of the three uses all cores, so the pass can at best "
        "take as long as both halves together; the last columns compare it with their sum, and with the longer one."
    )
    for network, programs in row.items():
        lines = []
        for name, samples in programs.items():
            halves = [median(samples, half) for half in ("decoding", "computing")]
            whole = median(samples, "pass")
            known = whole is not None and None not in halves
            cells = [(value, "{:.2f}") for value in (*halves, whole)]
            cells += [(whole / sum(halves) if known else None, "{:.2f} ×")]
            cells += [(whole / max(halves) if known else None, "{:.2f} ×")]
            lines.append((name, cells))
        yield f"### {network}"
        heading = ("", "decoding", "computing", "the pass", "of both", "of the longer")
        yield grid(heading, lines, [None, None, min, None, None])


def cores(row, size):
    rate, lines = rates(row)
    yield "Images a second, as in (a)."
    yield grid(("", *row), lines, [None] * len(row))
    names = [name for name, _ in lines if not name.endswith(ONE_CORE)]
    lines = [times_as_fast(rate, name, name, name + ONE_CORE) for name in names]
    yield grid((f"{os.cpu_count()} cores / one", *row), lines, [None] * len(row))


ROWS = {
    "a": ("Frozen features a second", features),
    "b": ("From a folder to a trained and evaluated head", training),
    "c": ("The same again", again),
    "d": ("Cold start: one image, process start included", start),
    "e": ("How (b) grows", growth),
    "f": ("Steps of fine-tuning", steps),
    "g": ("One pass over a folder", passes),
    "h": ("From one core to all", cores),
}
