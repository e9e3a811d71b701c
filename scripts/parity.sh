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
compute() {
    for script in "$@"; do
        "$python" -W ignore "parity/$script.py" "$out"
    done
}
# What is there already is not computed again.
compute keras_networks keras_models &
keras=$!
compute torch_networks torch_models packaged
wait $keras
# Of the workspace, since its crates are built already as they are for the other tests.
cargo test --locked --workspace --test networks --test whole_models --test exports -- \
    --include-ignored "$@"
