"""Writes the golden images: six RGB pictures of 224 by 224, stored without loss.

    python3 -m venv venv
    venv/bin/pip install -r ../../../efficientnet-lite0/requirements.txt scikit-learn==1.9.1
    venv/bin/python make_images.py

Two photographs come with scikit-learn; three drawings come from the npm package
emoji-datasource-google (`npm` must be installed). README.md says who made them and under
which licence. The PNG files are committed, so that no test depends on a JPEG decoder.
"""

import io
import pathlib
import subprocess
import tarfile
import tempfile

import sklearn.datasets
from PIL import Image

HERE = pathlib.Path(__file__).parent
SIDE = 224
EMOJI = "emoji-datasource-google@16.0.0"
# File stem: code point. Drawn on white, with a margin of 16 pixels.
DRAWINGS = {"penguin": "1f427", "ambulance": "1f691", "guitar": "1f3b8"}


def photograph(name: str) -> Image.Image:
    pixels = sklearn.datasets.load_sample_image(name)
    return Image.fromarray(pixels)


def centre(image: Image.Image) -> Image.Image:
    """The largest centred square, scaled to the input size."""
    edge = min(image.size)
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    square = image.crop((left, top, left + edge, top + edge))
    return square.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def drawings() -> dict[str, Image.Image]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", EMOJI], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        (package,) = pathlib.Path(folder).glob("*.tgz")
        with tarfile.open(package) as archive:
            return {
                name: on_white(archive.extractfile(f"package/img/google/64/{code}.png").read())
                for name, code in DRAWINGS.items()
            }


def on_white(png: bytes) -> Image.Image:
    edge = SIDE - 32
    drawing = Image.open(io.BytesIO(png)).convert("RGBA")
    drawing = drawing.resize((edge, edge), Image.Resampling.BICUBIC)
    sheet = Image.new("RGBA", (SIDE, SIDE), "white")
    sheet.alpha_composite(drawing, (16, 16))
    return sheet.convert("RGB")


def main() -> None:
    china = photograph("china.jpg")
    images = {
        "palace": centre(china),
        # Unscaled, so that its detail is the camera's.
        "lakeside": china.crop((400, 100, 400 + SIDE, 100 + SIDE)),
        "flower": centre(photograph("flower.jpg")),
        **drawings(),
    }
    for name, image in images.items():
        image.save(HERE / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
