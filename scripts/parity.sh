#!/usr/bin/env bash
# Computes what the originals compute into target/parity, once for each state of parity/, and
# compares finial with it. Arguments go to the tests: scripts/parity.sh resnet50
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(scripts/python.sh)
out=$PWD/target/parity
wanted=$(cat parity/*.py parity/requirements.txt | cksum)
if [ "$(cat "$out/made-of" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$out"
    mkdir -p "$out"
    echo "$wanted" > "$out/made-of"
fi
# A reference that is there already is not computed again, so these say little the second time.
"$python" -W ignore parity/keras_networks.py "$out" &
keras=$!
"$python" -W ignore parity/torch_networks.py "$out"
wait $keras
"$python" -W ignore parity/packaged.py "$out"
"$python" -W ignore parity/keras_models.py "$out"
"$python" -W ignore parity/torch_models.py "$out"
cargo test --locked -p finial-parity -- --include-ignored "$@"
