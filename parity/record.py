"""What a reference is: a folder with weights as their publisher stores them, and
`reference.safetensors` with images and what the original computes from them.

| tensor | shape | |
|---|---|---|
| `images` | `[N, 3, H, W]` | 0 to 255, RGB |
| `features` | `[N, ...]` | where a new head would be put, channels first |
| `pooled` | `[N, C]` | the mean of the features over all places, as the original takes it, if it does |
| `output` | `[N, classes]` | the end of the whole network, if it was run to its end |
| `values/LAYER`, `places/LAYER` | `[n]` | some numbers of the first image's value behind a layer, and where they stand, channels first |
"""

import contextlib
import pathlib
import shutil

import numpy
from PIL import Image
from safetensors.numpy import save_file

# Numbers of a layer that are recorded.
SAMPLES = 256


def images(size: int, count: int = 2, seed: int = 0) -> numpy.ndarray:
    """Pictures of coloured patches with some noise, `[count, size, size, 3]`, 8-bit."""
    random = numpy.random.default_rng(seed)
    patches = random.integers(0, 256, (count, 5, 5, 3), numpy.uint8)
    smooth = [Image.fromarray(p).resize((size, size), Image.Resampling.BICUBIC) for p in patches]
    noise = random.normal(0, 20, (count, size, size, 3))
    return (numpy.stack(smooth) + noise).clip(0, 255).round().astype(numpy.uint8)


def channels_first(value: numpy.ndarray) -> numpy.ndarray:
    """From Keras's `[N, H, W, C]`; what is no map stays."""
    return numpy.moveaxis(value, -1, 1) if value.ndim == 4 else value


@contextlib.contextmanager
def folder(place: pathlib.Path):
    """A folder that is there whole or not at all."""
    beside = place.with_name(place.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    yield beside
    beside.rename(place)


def write(
    file: pathlib.Path,
    images: numpy.ndarray,
    layers: dict[str, numpy.ndarray] | None = None,
    **values: numpy.ndarray,
) -> None:
    """Writes what was computed from `images` `[N, H, W, 3]`; all else has its channels first."""
    tensors = {"images": channels_first(images), **values}
    random = numpy.random.default_rng(0)
    for name, value in (layers or {}).items():
        first = value[0].ravel()
        places = random.choice(first.size, min(SAMPLES, first.size), replace=False)
        places = numpy.union1d(places, abs(first).argmax())
        tensors[f"values/{name}"] = first[places]
        tensors[f"places/{name}"] = places.astype(numpy.float32)
    for name, value in values.items():
        see_that_it_tells_something(name, value)
    as_single = lambda value: numpy.ascontiguousarray(value, numpy.float32)
    save_file({name: as_single(value) for name, value in tensors.items()}, file)


def see_that_it_tells_something(name: str, value: numpy.ndarray) -> None:
    """Numbers that vanished, exploded or are the same for every image compare equal to much."""
    largest = abs(value).max()
    assert numpy.isfinite(value).all() and 1e-4 < largest < 1e6, f"{name}: up to {largest}"
    assert value.std() > 1e-3 * largest, f"{name} is {value.mean()} everywhere"
    apart = abs(value[0] - value[-1]).max()
    assert len(value) == 1 or apart > 1e-2 * largest, f"{name} hardly depends on the image"
