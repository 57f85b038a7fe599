# Two commands: `make demo` (the main job, from nothing to a report) and `make test`. `make help` lists the rest.
VENV := .venv
BIN := $(VENV)/bin
STATE := .otelmart
DEMO_SEEDS ?= 101-120
PYTHON ?= python3.11
READY := $(VENV)/.ready

.PHONY: help demo test lint fix lock bench bench-worker bench-build bench-loads bench-peers test-stack soak fuzz clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "otelmart needs Python 3.11: install it, or name one with make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## three days of a demo shop: OTLP -> lake -> marts -> summary and report
	$(BIN)/otelmart demo --to $(STATE)/demo
	$(BIN)/otelmart ingest --from files:$(STATE)/demo --to lake:$(STATE)/lake
	$(BIN)/otelmart build
	$(BIN)/otelmart summary
	$(BIN)/otelmart report

test: $(READY) lint ## everything that needs only Python
	$(BIN)/pytest -n 2 --dist loadscope -m "not stack"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/otelmart render --check

fix: $(READY) ## format, and render everything that is generated from schemas/
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/otelmart render

test-stack: $(READY) ## a collector, emulators, other engines, job graphs, Chromium, and the truth of twenty more demos
	tests/stack/install
	$(BIN)/pytest -n 3 --dist loadscope --no-loadscope-reorder -rP -m "stack or graph"
	OTELMART_DEMO_SEEDS=$(DEMO_SEEDS) $(BIN)/pytest -n 2 --dist loadscope -k "not default" tests/demo/test_truth*.py

bench: $(READY) ## paired figures, ratios first; writes .otelmart/bench.json and the cost page
	$(BIN)/python tests/bench/run.py
	$(BIN)/otelmart cost --page deploy/cost

bench-worker: $(READY) ## the worker draining 5 million spans from the Pub/Sub emulator; some 10 minutes, needs java
	$(BIN)/python tests/bench/worker_at_scale.py

bench-build: $(READY) ## a full build over 10 million spans, and one new day after 96; some 15 minutes
	PYTHONPATH=. $(BIN)/python tests/bench/build_at_scale.py
	$(BIN)/pytest -n 0 tests/bench/reads_of_a_new_day.py

bench-loads: $(READY) ## what the loads of a day make loads and builds cost; some 6 minutes
	PYTHONPATH=. $(BIN)/python tests/bench/loads_of_a_day.py

bench-peers: $(READY) ## the same spans through otlp2parquet 0.12; needs cargo, which builds it in some 10 minutes
	cargo install --quiet --version 0.12.0 --locked --root $(STATE)/peers otlp2parquet
	PYTHONPATH=. $(BIN)/python tests/bench/peers.py

soak: $(READY) ## the worker under kills, redeliveries and faults for MINUTES=30; SEED= chooses them; needs java
	MINUTES=$(or $(MINUTES),30) SEED=$(or $(SEED),7) PYTHONPATH=. $(BIN)/python -m tests.stack.soak

fuzz: $(READY) ## a million hostile inputs to every parser, in some 15 minutes; atheris guides where it installs
	-$(BIN)/pip install --quiet --no-deps --require-hashes -r tests/fuzz/requirements.txt
	PYTHONPATH=. $(BIN)/python -m tests.fuzz.run

lock: ## resolve pyproject.toml into requirements.lock (needs uv)
	uv pip compile --quiet --python-version 3.11 --extra dev --generate-hashes --no-strip-extras --no-emit-index-url --no-header pyproject.toml -o requirements.lock

clean: ## forget local runs; keeps the environment
	rm -rf $(STATE)
