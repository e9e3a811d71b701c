"""Files inside of installed packages."""

import importlib.metadata
import pathlib


def shipped(package: str, ending: str) -> pathlib.Path:
    """A package's file, without importing it: what it imports itself is not needed."""
    (file,) = [f for f in importlib.metadata.files(package) if str(f).endswith(ending)]
    return pathlib.Path(file.locate())
