# Everything starts here: `make demo` and `make test` set themselves up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test test-all lint bench sample constraints clean

help:
	@echo "make demo      replay the shipped recordings and report (offline once installed)"
	@echo "make test      lint, types and the default tests"
	@echo "make test-all  the slow tests too, as CI runs them"
	@echo "make lint      ruff, mypy --strict, import-linter, the recordings"
	@echo "make bench     the benchmarks: ratios measured in one run"
	@echo "make sample    renew the committed sample report"
	@echo "make constraints  renew constraints.txt from what pyproject.toml allows"

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Ferrotape needs Python 3.11 or later; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/ferrotape run

test: lint
	$(BIN)/pytest -n auto

test-all: lint
	$(BIN)/pytest -n auto -m ""

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/ferrotape cassettes check

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks

sample: $(VENV)/.installed
	$(BIN)/ferrotape run --output reports/sample

constraints:
	rm -rf $(VENV)-fresh
	$(PYTHON) -m venv $(VENV)-fresh
	$(VENV)-fresh/bin/python -m pip install --quiet --disable-pip-version-check '.[dev]'
	(echo "# The exact versions that CI tests. \`make constraints\` renews them."; \
	 $(VENV)-fresh/bin/python -m pip freeze --exclude ferrotape) > constraints.txt
	rm -rf $(VENV)-fresh

clean:
	rm -rf $(VENV) .ferrotape
