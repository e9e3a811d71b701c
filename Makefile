# Each target does all its own set-up on a machine with Rust, Python 3, make and a C compiler.

.PHONY: demo test parity fmt bench-scores

# Four small models, one per kind of task, on pictures inside the program.
demo:
	cargo build --release --locked -p finial
	rm -rf target/demo
	target/release/finial demo --out target/demo

# What has to pass before a change lands.
test:
	cargo fmt --all --check
	python3 scripts/licences.py
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo test --workspace --locked
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
	$(MAKE) demo

# Every backbone and format beside Keras, PyTorch and ONNX Runtime, which it installs under target/:
# 15 GB of disk, and longer than all the other tests; before a release, and after a change to them.
parity:
	scripts/parity.sh

fmt:
	cargo fmt --all

# Scores on real data sets beside scikit-learn; fetches them, takes some minutes.
bench-scores:
	cargo build --release --locked -p finial
	python3 -m venv target/bench/python
	target/bench/python/bin/pip install -q -r bench/requirements.txt
	target/bench/python/bin/python bench/scores/run.py
