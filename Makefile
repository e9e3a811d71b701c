# Each target does all its own set-up on a machine with Rust, Python 3, make and a C compiler.

.PHONY: demo test parity fmt bench bench-quick bench-scores bench-finetune bench-parts bench-kernels noise portability

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
# 20 GB of disk, and longer than all the other tests; before a release, and after a change to them.
parity:
	scripts/parity.sh

fmt:
	cargo fmt --all

# Speed beside Keras, PyTorch, ONNX Runtime and OpenVINO, which it installs under target/: 10 GB of
# disk, and an hour or more on two cores. What was measured is kept; see bench/speed/run.py for rows.
bench: target/bench/peers/made
	target/bench/peers/bin/python bench/speed/run.py

# Little of everything, to see that it works.
bench-quick: target/bench/peers/made
	target/bench/peers/bin/python bench/speed/run.py --quick --again

# Packages are listed, and only those installed, as for parity.
target/bench/peers/made: bench/speed/requirements.txt parity/requirements.txt
	rm -rf target/bench/peers
	python3 -m venv target/bench/peers
	target/bench/peers/bin/pip install -q --no-cache-dir --no-deps -r bench/speed/requirements.txt
	touch $@

# Single parts: decoding, the store, training a head.
bench-parts:
	cargo bench --locked -p finial-data --bench decode
	cargo bench --locked -p finial-store --bench store
	cargo bench --locked -p finial-learn --bench head

# The kernels layer by layer, as a share of what the processor can do: ten minutes.
bench-kernels:
	python3 bench/kernels/run.py

# Scores on real data sets beside scikit-learn; fetches them, takes some minutes.
bench-scores:
	cargo build --release --locked -p finial
	python3 -m venv target/bench/python
	target/bench/python/bin/pip install -q -r bench/requirements.txt
	target/bench/python/bin/python bench/scores/run.py

# Fine-tuning beside PyTorch and Keras: an hour on two cores. What was measured is kept; see
# bench/finetune/run.py for parts of it.
bench-finetune: target/bench/peers/made
	cargo build --release --locked -p finial
	target/bench/peers/bin/python bench/data/fetch.py stamps fashion-mnist elpv-defect emoji-keywords
	target/bench/peers/bin/python bench/finetune/run.py

# What `finial check` finds in other people's code, beside what it found before: fetches some
# hundred megabytes of packages under target/, without installing them.
noise:
	python3 scripts/noise.py

# The kernels where this machine cannot run them: the portable ones under Miri, which finds what is
# undefined, and those for NEON under emulation. Needs a nightly toolchain with Miri; the target
# aarch64-unknown-linux-gnu; on Debian gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user-static.
# Miri's trees are for the queues under rayon, which its stacks do not take; rayon's threads outlive
# a test.
portability:
	MIRIFLAGS="-Zmiri-tree-borrows -Zmiri-ignore-leaks" cargo +nightly miri test --locked -p finial-kernels --lib --tests
	CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
	CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64-static -L /usr/aarch64-linux-gnu" \
	cargo test --locked -p finial-kernels --target aarch64-unknown-linux-gnu
