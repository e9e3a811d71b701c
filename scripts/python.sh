#!/usr/bin/env bash
# Makes the Python that references are computed with, target/python, once for each state of
# parity/requirements.txt, and prints its path.
set -euo pipefail
cd "$(dirname "$0")/.."
here=target/python
wanted=$(cksum < parity/requirements.txt)
if [ "$(cat $here/made-of 2>/dev/null)" != "$wanted" ]; then
    rm -rf $here
    python3 -m venv $here
    # Every package is listed, and only those: the whole of PyTorch's and TensorFlow's dependencies
    # would be several gigabytes more.
    $here/bin/pip install -q --no-cache-dir --no-deps -r parity/requirements.txt >&2
    echo "$wanted" > $here/made-of
fi
echo "$PWD/$here/bin/python"
