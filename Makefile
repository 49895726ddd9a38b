# The commands that people, CI and the README share.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := .stamp/ready

.PHONY: demo test quick slow lint types wheel pythons bench clean

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

# mypy and pyright, side by side, read the package in place; then pyright reads a user's file
# elsewhere.
types: $(READY)
	$(BIN)/mypy -p surefoot & mypy=$$!; \
	$(BIN)/pyright --pythonpath $(BIN)/python; pyright=$$?; \
	wait $$mypy && test $$pyright = 0
	sh .ci/user-types $(BIN)

# Builds the wheel, from the tree and from the sdist, and uses it in environments of its own.
wheel: $(READY)
	sh .ci/wheel $(BIN)/python

# The base, `planners` and `verify` on other versions of Python, as far as they are here.
pythons: $(READY)
	$(BIN)/python .ci/pythons

bench: $(READY)
	$(BIN)/python benchmarks/validator_ratio.py

clean:
	rm -rf $(VENV) .stamp build dist

# `--group` needs a newer pip than the one that comes with Python.
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		--group dev -e '.[all]'
	mkdir -p .stamp && touch $(READY)
