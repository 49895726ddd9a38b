# The commands that people, CI and the README share.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := .stamp/ready

.PHONY: demo test quick slow lint types docs-coverage wheel bench clean

demo: $(READY)
	$(BIN)/surefoot demo --out runs/demo

test: $(READY)
	$(BIN)/pytest -n auto

# Some tests of every room, in less than a minute.
quick: $(READY)
	$(BIN)/pytest -n auto -m "quick and not slow"

slow: $(READY)
	$(BIN)/pytest -m slow

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/interrogate --quiet .

types: $(READY)
	rm -rf build/types
	$(BIN)/pip install --quiet --no-deps --target build/types .
	MYPYPATH=build/types $(BIN)/mypy -p surefoot

# Builds the wheel, installs it into an empty environment and uses it there.
wheel: $(READY)
	sh .ci/wheel $(BIN)/python

bench: $(READY)
	$(BIN)/python benchmarks/validator_ratio.py

clean:
	rm -rf $(VENV) .stamp build dist

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	mkdir -p .stamp && touch $(READY)
