# Each target makes what it needs: `make demo` and `make test` work from a fresh clone.
PYTHON ?= python3.11
CORES  ?= $(shell nproc)
BIN    := .venv/bin
ENV    := .venv/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: env demo test test-slow check lock

env: $(ENV)

# torch first and alone: its one pin takes the CPU build where the machine offers one; the lock has no torch in it.
$(ENV): requirements/torch.txt requirements/lock.txt pyproject.toml
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet -r requirements/torch.txt
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/lock.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

lock: requirements/direct.in
	uvx uv pip compile $< --no-emit-package torch --generate-hashes --python-version 3.11 --no-header --quiet -o requirements/lock.txt
