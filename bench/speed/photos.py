#!/usr/bin/env python3
"""Photo-like JPEGs in class folders, from a seed: the data of the speed bench.

    python bench/speed/photos.py FOLDER --count 1000 --seed 0

Each is about 800 × 600 pixels, upright or across, of quality 80 to 95 with the usual halved
colours, some 100 kB large. What matters for speed is that the bytes are as those of photographs:
backgrounds have the falling spectrum of natural scenes, things before them have edges, and over
everything lies the noise of a sensor. What matters for scores is that there is something to learn:
a class is a kind of thing in a range of colours, which neighbouring classes share in part.

The same seed gives the same pictures, and a longer run begins with those of a shorter one.
"""

import argparse
import colorsys
import os
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

CLASSES = ("beads", "bricks", "discs", "leaves", "poles", "rings", "sails", "stars", "tiles", "waves")
# Textures are drawn from a few large sheets, since making one takes longer than all the rest.
SHEETS, SHEET_SIDE = 6, 1536


def main():
    arguments = argparse.ArgumentParser(description="Makes photo-like JPEGs in class folders.")
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--count", type=int, default=1000)
    arguments.add_argument("--first", type=int, default=0, help="number of the first picture")
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    make(given.folder, given.count, given.seed, given.first)


def make(folder, count, seed=0, first=0):
    """Pictures `first` to `first + count - 1` of a seed; those that are there are left alone."""
    for name in CLASSES:
        (folder / name).mkdir(parents=True, exist_ok=True)
    wanted = [(folder, seed, number) for number in range(first, first + count)]
    wanted = [one for one in wanted if not path_of(folder, one[2]).exists()]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(save, wanted, chunksize=16):
            pass


def path_of(folder, number):
    return folder / CLASSES[number % len(CLASSES)] / f"{number:06}.jpg"


def save(one):
    folder, seed, number = one
    picture, quality = draw(seed, number)
    path = path_of(folder, number)
    beside = path.with_suffix(".part")
    picture.save(beside, "JPEG", quality=quality, subsampling="4:2:0")
    beside.replace(path)


def draw(seed, number):
    """Picture and JPEG quality of a number."""
    chance = np.random.default_rng([seed, number])
    kind = number % len(CLASSES)
    width, height = int(chance.integers(760, 841)), int(chance.integers(570, 631))
    if chance.random() < 0.3:
        width, height = height, width
    picture = background(chance, seed, width, height)
    for _ in range(int(chance.integers(1, 4))):
        put(picture, chance, kind)
    pixels = np.asarray(picture, dtype=np.float32)
    grain = crop(chance, sheets(seed)[-1], width, height)
    pixels = pixels + grain[..., None] * chance.uniform(1, 4)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), int(chance.integers(80, 96))


@cache
def sheets(seed):
    """Textures of the spectrum 1/f, with mean 0 and deviation 1; the last one is white noise."""
    chance = np.random.default_rng([seed, 1 << 30])
    white = chance.standard_normal((SHEETS, SHEET_SIDE, SHEET_SIDE), dtype=np.float32)
    across = np.fft.rfftfreq(SHEET_SIDE)
    down = np.fft.fftfreq(SHEET_SIDE)
    frequency = np.hypot(down[:, None], across[None, :])
    frequency[0, 0] = np.inf
    made = []
    for noise, power in zip(white, np.linspace(0.9, 1.4, SHEETS)):
        texture = np.fft.irfft2(np.fft.rfft2(noise) / frequency**power)
        made.append((texture / texture.std()).astype(np.float32))
    made.append(chance.standard_normal((SHEET_SIDE, SHEET_SIDE), dtype=np.float32))
    return made


def crop(chance, sheet, width, height):
    top, left = chance.integers(0, SHEET_SIDE - height), chance.integers(0, SHEET_SIDE - width)
    piece = sheet[top : top + height, left : left + width]
    return piece[:, ::-1] if chance.random() < 0.5 else piece


def background(chance, seed, width, height):
    texture = crop(chance, sheets(seed)[chance.integers(SHEETS)], width, height)
    tint = crop(chance, sheets(seed)[chance.integers(SHEETS)], width, height)
    base = chance.uniform(60, 190, 3)
    pixels = base + texture[..., None] * chance.uniform(15, 45) + tint[..., None] * chance.uniform(-12, 12, 3)
    pixels += np.linspace(*chance.uniform(-30, 30, 2), height)[:, None, None]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def put(picture, chance, kind):
    """One thing of the class's kind, shaded, in a colour that is more or less the class's."""
    side = int(chance.integers(120, 380))
    hue = (kind / len(CLASSES) + chance.normal(0, 0.12)) % 1
    colour = colorsys.hsv_to_rgb(hue, chance.uniform(0.25, 0.9), chance.uniform(0.4, 1))
    mask = Image.new("L", (side, side))
    # Now and then a thing of another kind: no classifier shall be right every time.
    SHAPES[kind if chance.random() < 0.93 else int(chance.integers(len(SHAPES)))](ImageDraw.Draw(mask), side)
    mask = mask.rotate(float(chance.uniform(0, 360)), resample=Image.Resampling.BILINEAR)
    mask = mask.filter(ImageFilter.GaussianBlur(float(chance.uniform(0.5, 2))))
    shade = np.linspace(*chance.uniform(0.55, 1.1, 2), side)[:, None, None] * np.array(colour) * 255
    thing = np.broadcast_to(shade, (side, side, 3)).clip(0, 255).astype(np.uint8)
    place = (
        int(chance.integers(-side // 4, picture.width - side * 3 // 4)),
        int(chance.integers(-side // 4, picture.height - side * 3 // 4)),
    )
    picture.paste(Image.fromarray(thing), place, mask)


def beads(pen, side):
    step = side // 5
    for place in range(0, side, step):
        pen.ellipse((place, side // 2 - step // 2, place + step, side // 2 + step // 2), fill=255)


def bricks(pen, side):
    step = side // 4
    for row in range(4):
        for place in range(-step * (row % 2), side, 2 * step):
            pen.rectangle((place, row * step, place + 2 * step - 6, row * step + step - 6), fill=255)


def discs(pen, side):
    pen.ellipse((0, 0, side - 1, side - 1), fill=255)


def leaves(pen, side):
    pen.chord((-side // 2, 0, side, side), -60, 60, fill=255)


def poles(pen, side):
    for place in (0.1, 0.4, 0.7):
        pen.rectangle((side * place, 0, side * (place + 0.12), side), fill=255)


def rings(pen, side):
    pen.ellipse((0, 0, side - 1, side - 1), outline=255, width=max(2, side // 8))


def sails(pen, side):
    pen.polygon([(0, side), (side // 2, 0), (side, side)], fill=255)


def stars(pen, side):
    middle = side / 2
    turns = np.arange(10) * np.pi / 5
    reach = np.where(np.arange(10) % 2, 0.4, 1) * middle
    corners = zip(middle + reach * np.sin(turns), middle - reach * np.cos(turns))
    pen.polygon([(float(x), float(y)) for x, y in corners], fill=255)


def tiles(pen, side):
    step = side // 6
    for row in range(6):
        for column in range(row % 2, 6, 2):
            pen.rectangle((column * step, row * step, (column + 1) * step, (row + 1) * step), fill=255)


def waves(pen, side):
    across = np.linspace(0, side, 60)
    for middle in (0.25, 0.5, 0.75):
        down = side * middle + side / 12 * np.sin(across * 6 * np.pi / side)
        pen.line([(float(x), float(y)) for x, y in zip(across, down)], fill=255, width=max(3, side // 14))


SHAPES = (beads, bricks, discs, leaves, poles, rings, sails, stars, tiles, waves)

if __name__ == "__main__":
    main()
