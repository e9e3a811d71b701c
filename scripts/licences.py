"""Checks the licence of every Rust dependency against the list of those that may be used.

Usage: python3 scripts/licences.py
"""

import json
import re
import subprocess
import sys

# Permissive licences; MPL-2.0 is per file and leaves the rest of a program alone.
ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause",
    "BSL-1.0", "CC0-1.0", "CDLA-Permissive-2.0", "ISC", "MIT", "MIT-0", "MPL-2.0", "NCSA",
    "OpenLDAP", "OLDAP-2.8", "Unicode-3.0", "Unicode-DFS-2016", "Unlicense", "Zlib", "bzip2-1.0.6",
}

# Packages that name a file instead of an expression; the file was read.
READ = {"cfg_block": "Apache-2.0"}


def permitted(expression: str) -> bool:
    """Whether an SPDX expression can be met with allowed licences."""
    expression = expression.replace("/", " OR ").strip()
    tokens = re.findall(r"\(|\)|\bAND\b|\bOR\b|[^\s()]+(?:\s+WITH\s+[^\s()]+)?", expression)
    position = 0

    def either() -> bool:
        nonlocal position
        value = both()
        while position < len(tokens) and tokens[position] == "OR":
            position += 1
            value = both() or value
        return value

    def both() -> bool:
        nonlocal position
        value = one()
        while position < len(tokens) and tokens[position] == "AND":
            position += 1
            value = one() and value
        return value

    def one() -> bool:
        nonlocal position
        token = tokens[position]
        position += 1
        if token == "(":
            value = either()
            position += 1
            return value
        return token in ALLOWED

    return either()


def main() -> int:
    text = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--locked"],
        check=True, capture_output=True, text=True,
    ).stdout
    packages = json.loads(text)["packages"]
    faults = [
        f"{p['name']} {p['version']}: {p['license'] or p['license_file'] or 'no licence'}"
        for p in packages
        if not permitted(p["license"] or READ.get(p["name"], "none"))
    ]
    for fault in faults:
        print(f"not permitted: {fault}", file=sys.stderr)
    print(f"licences of {len(packages)} packages checked, {len(faults)} not permitted")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
