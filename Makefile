# One command each: `make help` lists them. Everything runs in .venv, made from pyproject.toml when that has changed.

# The examples' old pandas has wheels for Python 3.11, so where no conda channel answers that one is needed.
PYTHON ?= $(shell command -v python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INPUT := .demo

.DEFAULT_GOAL := help
.PHONY: help demo test lint test-unit test-engines test-bank test-generated bench clean

help:  ## List the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

demo: $(INSTALLED)  ## Set this machine up, then run the first example on a real table of movies
	@$(BIN)/dockerflow setup examples/genre_stats/flow.py
	@$(BIN)/python tests/movies.py $(INPUT)/movies.csv
	@$(BIN)/dockerflow run examples/genre_stats/flow.py --movie_data $(INPUT)/movies.csv
	@$(BIN)/python examples/genre_stats/results.py

test: $(INSTALLED)  ## Set this machine up, then check and test everything
	@$(BIN)/python tests/everything.py

lint: $(INSTALLED)  ## Check style, types, import rules and the old Python of shipped modules
	@$(BIN)/python tests/everything.py lint

test-unit: $(INSTALLED)  ## Run the tests that need no engine and no network
	@$(BIN)/python tests/everything.py unit

test-engines: $(INSTALLED)  ## Set the other engines up, then test images, workers and remote hosts on each
	@$(BIN)/python tests/everything.py engines

test-bank: $(INSTALLED)  ## Run every flow of the bank on Metaflow, here and in containers, and compare what they leave
	@$(BIN)/python tests/everything.py bank

test-generated: $(INSTALLED)  ## Make 100 flows from today's number, run them on Metaflow and here, and compare
	@$(BIN)/python tests/everything.py generated

bench: $(INSTALLED)  ## Measure what we claim, each beside a peer
	@for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

clean:  ## Remove .venv and what demo and tests leave here
	rm -rf $(VENV) $(INPUT) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(INSTALLED): pyproject.toml
	@echo "installing dockerflow and its tools into $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit("dockerflow needs Python 3.10 or newer, this is %d.%d: say PYTHON=python3.X" % sys.version_info[:2] if sys.version_info < (3, 10) else 0)'
	@$(PYTHON) -m venv $(VENV) || { echo "no virtual environment: install python3-venv (apt-get install python3-venv)"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' || { echo "what dockerflow needs could not be installed: check the network and pip's settings"; exit 1; }
	@touch $@
