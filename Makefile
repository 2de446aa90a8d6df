# Python 3.11 with venv, make and a package index are all that is needed.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
export EDP_HOME ?= $(CURDIR)/.edp
EDP_PORT ?= 3000
PORT ?= $(EDP_PORT)

.PHONY: setup run test lint docs bench scale browser mutation doors clean

setup: $(VENV)/.ready  ## The locked environment, and the dbt manifest ready

$(VENV)/.ready: requirements-dev.lock requirements-uv.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements-dev.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	touch $@

run: setup  ## Make the sample force, load and build everything, serve it
	$(BIN)/edp manifest
	test -e $(EDP_HOME)/sample/truth.json || $(BIN)/edp sample --size small --months 24
	$(BIN)/edp land $(EDP_HOME)/sample/police_uk_earlier_release --released 2020-01-01
	$(BIN)/edp land $(EDP_HOME)/sample/police_uk $(EDP_HOME)/sample/london_datastore $(EDP_HOME)/sample/reference \
	  $(EDP_HOME)/sample/force_systems
	$(BIN)/edp run
	$(BIN)/edp linkage run
	exec $(BIN)/edp up --port $(PORT)

test: setup  ## Unit, contract and integration tests
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not doors" \
	  tests/unit tests/contract tests/integration

doors: setup  ## Every governance door, through the command line on the sample force
	$(BIN)/python -m pytest -n 2 --dist loadfile -m doors tests/integration

lint: setup  ## Style, types, SQL, definitions
	$(BIN)/ruff check edp_platform tests benchmarks
	$(BIN)/ruff format --check edp_platform tests benchmarks
	$(BIN)/mypy
	$(BIN)/edp generate --check
	$(BIN)/edp lineage check
	$(BIN)/edp governance check --graph
	$(BIN)/edp governance rules --check docs/governance.md
	mkdir -p $(EDP_HOME)
	EDP_WAREHOUSE=$(EDP_HOME)/lint.duckdb EDP_RAW=$(EDP_HOME)/raw \
	  $(BIN)/sqlfluff lint --processes 1 --disable-progress-bar dbt_project/models
	$(BIN)/dg check yaml
	$(BIN)/dg check defs
	$(BIN)/dagster definitions validate --workspace workspace.yaml

browser: setup  ## The Dagster UI in headless Chromium (needs Debian's chromium)
	$(BIN)/python -m pytest tests/browser

mutation: setup  ## Each gate taken away in turn: some test must notice
	$(BIN)/python -m pytest tests/mutation

scale: setup  ## The real size: 95,000 crimes a month
	$(BIN)/python -m pytest tests/scale

bench: setup  ## Ratios to hand-written scripts, into benchmarks/results.json
	$(BIN)/python -m benchmarks

docs: setup  ## What every command says of itself; which rule is enforced where
	$(BIN)/typer edp_platform.cli utils docs --name edp --output docs/commands.md
	$(BIN)/edp governance rules --write docs/governance.md

clean:  ## Forget all state (not the environment)
	rm -rf $(EDP_HOME)
