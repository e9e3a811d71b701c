"""Makes the images of tests/images and tests/images/expected.json.

Run it as `python make_images.py` with Pillow 11 or later and numpy. Every file shows the same
small picture, whose corners differ, in another format or mode. expected.json has the pixels that
Pillow sees: EXIF orientation applied, transparency over white, RGB.
"""

import io
import json
import pathlib
import struct
import zlib

import numpy
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).parent / "images"
WIDTH, HEIGHT = 20, 12
ORIENTATION = 0x0112


def picture(width=WIDTH, height=HEIGHT):
    """A smooth picture with a different colour in each corner, [height, width, 3] of uint8."""
    y, x = numpy.mgrid[0:height, 0:width]
    red = 255 * x / (width - 1)
    green = 255 * y / (height - 1)
    blue = 128 + 100 * numpy.sin(x / 4) * numpy.cos(y / 3)
    return numpy.stack([red, green, blue], axis=2).round().astype("uint8")


def alpha():
    """From transparent at the left to opaque at the right, with a column of each at the ends."""
    row = numpy.linspace(-0.1, 1.1, WIDTH).clip(0, 1)
    return numpy.tile((row * 255).round().astype("uint8"), (HEIGHT, 1))


def png(samples, bit_depth, colour_type):
    """A PNG of raw samples, for the depths that Pillow does not write."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data
            + struct.pack(">I", zlib.crc32(name + data))
        )

    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, bit_depth, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def encode(image, kind, **options):
    output = io.BytesIO()
    image.save(output, kind, **options)
    return output.getvalue()


def exif(orientation):
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    return tags


def ycck(image):
    """A YCCK JPEG with Adobe's inverted inks: Pillow writes CMYK only, so its four channels are
    filled with what YCCK holds, and the transform byte of the Adobe segment is set to YCCK."""
    key = numpy.asarray(image.convert("L"))
    full = numpy.asarray(image).astype(float)
    scale = numpy.maximum(key, 1)[..., None] / 255
    inks = 255 - (full / scale).clip(0, 255).round().astype("uint8")
    luma = numpy.asarray(Image.fromarray(inks, "RGB").convert("YCbCr"))
    planes = numpy.dstack([luma, key])
    data = bytearray(encode(Image.fromarray(255 - planes, "CMYK"), "JPEG", quality=97))
    marker = data.index(b"\xff\xee\x00\x0eAdobe")
    assert data[marker + 15] == 0
    data[marker + 15] = 2
    return bytes(data)


def without_adobe(data):
    """The same CMYK JPEG without the Adobe segment."""
    marker = data.index(b"\xff\xee\x00\x0eAdobe")
    return data[:marker] + data[marker + 16:]


def files():
    rgb = Image.fromarray(picture(), "RGB")
    grey = rgb.convert("L")
    rgba = Image.fromarray(numpy.dstack([picture(), alpha()]), "RGBA")
    palette = rgb.quantize(16)
    cmyk = rgb.convert("CMYK")
    deep = picture().astype("uint16") * 257
    deep[..., 0] = deep[..., 0] // 3 * 2 + 100
    deep_alpha = alpha().astype("uint16") * 257
    frames = [Image.fromarray(numpy.roll(picture(), 5 * step, axis=1), "RGB") for step in range(3)]
    animation = {"save_all": True, "append_images": frames[1:], "duration": 100}

    yield "rgb.png", encode(rgb, "PNG")
    yield "grey.png", encode(grey, "PNG")
    yield "grey_alpha.png", encode(rgba.convert("LA"), "PNG")
    yield "rgba.png", encode(rgba, "PNG")
    yield "one_bit.png", encode(rgb.convert("1"), "PNG")
    yield "palette.png", encode(palette, "PNG")
    yield "palette_transparent.png", encode(palette, "PNG", transparency=bytes(range(0, 256, 16)))
    yield "colour_key.png", encode(rgb.quantize(4).convert("RGB"), "PNG",
                                   transparency=rgb.quantize(4).convert("RGB").getpixel((0, 0)))
    yield "grey16.png", png(deep[..., :1], 16, 0)
    yield "rgb16.png", png(deep, 16, 2)
    yield "rgba16.png", png(numpy.dstack([deep, deep_alpha]), 16, 6)
    yield "oriented_6.png", encode(rgb, "PNG", exif=exif(6))
    yield "animated.png", encode(frames[0], "PNG", **animation)

    yield "rgb.jpg", encode(rgb, "JPEG", quality=95, subsampling=0)
    yield "subsampled.jpg", encode(rgb, "JPEG", quality=95, subsampling=2)
    yield "progressive.jpg", encode(rgb, "JPEG", quality=95, subsampling=0, progressive=True)
    yield "restart.jpg", encode(rgb, "JPEG", quality=95, subsampling=0, restart_marker_blocks=1)
    yield "grey.jpg", encode(grey, "JPEG", quality=95)
    yield "cmyk.jpg", encode(cmyk, "JPEG", quality=97)
    yield "cmyk_plain.jpg", without_adobe(encode(cmyk, "JPEG", quality=97))
    yield "ycck.jpg", ycck(rgb)
    for orientation in range(1, 9):
        yield f"oriented_{orientation}.jpg", encode(
            rgb, "JPEG", quality=95, subsampling=0, exif=exif(orientation))

    yield "lossless.webp", encode(rgb, "WEBP", lossless=True)
    yield "lossy.webp", encode(rgb, "WEBP", quality=95)
    yield "alpha.webp", encode(rgba, "WEBP", lossless=True, exact=True)
    yield "oriented_6.webp", encode(rgb, "WEBP", lossless=True, exif=exif(6))
    yield "animated.webp", encode(frames[0], "WEBP", lossless=True, **animation)

    yield "rgb.bmp", encode(rgb, "BMP")
    yield "palette.bmp", encode(palette, "BMP")

    yield "palette.gif", encode(palette, "GIF")
    yield "transparent.gif", encode(palette, "GIF", transparency=3)
    yield "animated.gif", encode(frames[0].quantize(32), "GIF", save_all=True, duration=100,
                                 append_images=[frame.quantize(32) for frame in frames[1:]])

    yield "rgb.tif", encode(rgb, "TIFF")
    yield "lzw.tif", encode(rgb, "TIFF", compression="tiff_lzw")
    yield "deflate.tif", encode(rgb, "TIFF", compression="tiff_adobe_deflate")
    yield "grey.tif", encode(grey, "TIFF")
    yield "rgba.tif", encode(rgba, "TIFF")
    yield "one_bit.tif", encode(rgb.convert("1"), "TIFF")
    yield "oriented_6.tif", encode(rgb, "TIFF", tiffinfo={ORIENTATION: 6})

    noise = numpy.random.default_rng(1).normal(0, 12, (120, 160, 3))
    photo = (picture(160, 120) + noise).clip(0, 255).astype("uint8")
    photo = Image.fromarray(photo, "RGB")
    yield "photo.jpg", encode(photo, "JPEG", quality=60)
    yield "photo_progressive.jpg", encode(photo, "JPEG", quality=60, progressive=True)


def seen(image):
    """The image as a viewer shows it, in RGB."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip
        grey = (numpy.asarray(image).astype(float) / 257).round().astype("uint8")
        return Image.fromarray(grey, "L").convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def entry(image):
    return {"width": image.width, "height": image.height, "rgb": image.tobytes().hex()}


def main():
    HERE.mkdir(exist_ok=True)
    decoded, resized = {}, []
    for name, data in files():
        (HERE / name).write_bytes(data)
        if name.startswith("photo"):  # for cutting in half
            continue
        decoded[name] = entry(seen(Image.open(io.BytesIO(data))))

    filters = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
    for name in ["rgb.png", "oriented_6.png", "rgba.png"]:
        image = seen(Image.open(HERE / name))
        for size in [(8, 8), (7, 3), (33, 21), (3, 9)]:
            for word, filter in filters.items():
                for method, result in [
                    ("stretch", image.resize(size, filter)),
                    ("center-crop", ImageOps.fit(image, size, filter)),
                ]:
                    resized.append(
                        {"file": name, "method": method, "filter": word, **entry(result)})

    text = json.dumps({"decoded": decoded, "resized": resized}, indent=1)
    (HERE / "expected.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
