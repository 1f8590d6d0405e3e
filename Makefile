# `make run` and `make test` do all set-up themselves and say what they do; the rest is in `make help`.

SHELL := /bin/bash
python := PYTHONDONTWRITEBYTECODE=1 python3
export CARGO_TARGET_DIR := $(shell $(python) scripts/places.py)
# V8 comes from cargo's cache, where scripts/v8.py put a checked one; the build script must not be sent elsewhere.
cargo := env -u RUSTY_V8_ARCHIVE cargo
built := $(CARGO_TARGET_DIR)/release/plinth

.PHONY: help run test check build setup fmt clippy doc deny openapi bench chaos fuzz soak

help:
	@echo 'make run      build, and serve the samples in ./data (PLINTH_LISTEN=HOST:PORT to choose the address)'
	@echo 'make test     every test, on SQLite and on PostgreSQL'
	@echo 'make check    format, lints, docs, licences, and that openapi/openapi.json is current'
	@echo 'make build    target/release/plinth'
	@echo 'make bench    the benchmarks of benches/'
	@echo 'make soak     generated apps on SQLite, PostgreSQL and under native row level security (SEEDS=300 of them)'
	@echo 'make chaos    kill workers and the server under load, and count what is lost (CHAOS_SECONDS=90 on each database)'
	@echo 'make fuzz     feed each reader of untrusted input random bytes (SECONDS=30 each)'

run: build
	@$(python) scripts/run.py

bench: build
	@$(python) benches/run.py

test: build
	@$(python) scripts/run_tests.py

SEEDS ?= 300
soak: build
	@PLINTH_TEST_SEEDS='$(SEEDS)' $(python) scripts/run_tests.py --on sqlite -- -E 'test(/^data::differential/)'

CHAOS_SECONDS ?= 90
chaos: build
	@$(python) scripts/run_chaos.py --seconds '$(CHAOS_SECONDS)'

check: fmt clippy doc deny openapi

setup:
	@$(python) scripts/setup.py build
	@$(python) scripts/v8.py
	@$(cargo) fetch --locked --target "$$(rustc -vV | sed -n 's/^host: //p')"

# One profile for everything, so that dependencies are compiled once. The binary is reachable in ./target wherever cargo built it.
build: setup
	$(cargo) build --release --locked
	@mkdir -p target/release
	@[ '$(built)' -ef target/release/plinth ] || ln -f '$(built)' target/release/plinth 2>/dev/null \
		|| cp -f '$(built)' target/release/plinth

fmt:
	$(cargo) fmt --check

clippy: setup
	$(cargo) clippy --release --locked --all-targets -- -D warnings

# The docs are for those who work on it: private items are shown, so links to them are good.
doc: setup
	RUSTDOCFLAGS='-D warnings -A rustdoc::private_intra_doc_links' $(cargo) doc --release --locked --no-deps --document-private-items

deny:
	@$(python) scripts/deny.py

# `make openapi-write` brings the committed document up to date.
openapi: build
	@target/release/plinth openapi | diff -u openapi/openapi.json - \
		|| { echo 'openapi/openapi.json is not what the code says: run `make openapi-write`' >&2; exit 1; }

# On the stable toolchain: without sanitizers, and without coverage to guide it, since instrumenting means compiling every dependency
# once more. `cargo fuzz run NAME`, on nightly, has both.
SECONDS ?= 30
fuzz: setup
	$(cargo) build --release --locked -p plinth-fuzz
	@for target in fuzz/fuzz_targets/*.rs; do \
		name=$$(basename "$$target" .rs); echo "== $$name"; mkdir -p '$(CARGO_TARGET_DIR)'/fuzz/"$$name"; \
		'$(CARGO_TARGET_DIR)'/release/fuzz_"$$name" -max_total_time='$(SECONDS)' -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
			-print_final_stats=1 -artifact_prefix='$(CARGO_TARGET_DIR)'/fuzz/"$$name"- '$(CARGO_TARGET_DIR)'/fuzz/"$$name" || exit 1; \
	done

.PHONY: openapi-write
openapi-write: build
	target/release/plinth openapi > openapi/openapi.json
