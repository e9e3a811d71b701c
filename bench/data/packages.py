"""Packages as a source of data: fetched by name and version, checked, kept, never installed.

`fetch` gives the path of a package's archive. What is in it is the business of `sets.py`.
"""

import hashlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Package:
    """One archive of a public registry."""

    registry: str  # debian, npm or pypi
    name: str
    version: str
    sha256: str

    def __str__(self):
        return f"{self.name} {self.version} ({self.registry})"


# The command of each registry's client that leaves the archive in the current folder.
COMMANDS = {
    "debian": lambda package: ["apt-get", "download", f"{package.name}={package.version}"],
    "npm": lambda package: ["npm", "pack", "--silent", f"{package.name}@{package.version}"],
    "pypi": lambda package: [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    + ["--only-binary", ":all:", f"{package.name}=={package.version}"],
}
HINTS = {
    "debian": "run `apt-get update` first; the version is that of Debian 12 (bookworm)",
    "npm": "is npm installed?",
    "pypi": "is pip installed for this Python?",
}


def fetch(package, folder):
    """The path of the package's archive in `folder`; it is fetched unless it is there already.

    An archive takes its final name only when it is complete and its checksum is right, so an
    interrupted run goes on where it stopped.
    """
    path = folder / f"{package.name}-{package.version}.{package.registry}"
    if path.exists() and sha256(path) == package.sha256:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    print(f"fetching {package} …", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=folder) as here:
        command = COMMANDS[package.registry](package)
        try:
            subprocess.run(command, cwd=here, check=True, stdout=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"cannot fetch {package}: {error}; {HINTS[package.registry]}")
        (archive,) = Path(here).iterdir()
        found = sha256(archive)
        if found != package.sha256:
            sys.exit(f"{package}: expected sha256 {package.sha256}, found {found}")
        archive.replace(path)
    return path


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
