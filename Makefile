# Each target makes what it needs: `make demo` and `make test` work from a fresh clone.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
CORES  ?= $(shell getconf _NPROCESSORS_ONLN)
BIN    := .venv/bin
ENV    := .venv/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: env slurm demo test test-slow check pulled lock

env: $(ENV)

# torch first and alone: its one pin takes the CPU build where the machine offers one; the lock has no torch in it.
# The stamp is written last, so an interrupted installation is begun again.
$(ENV): requirements/torch.txt requirements/lock.txt
	@$(PYTHON) -c 'import sys; sys.version_info[:2] == (3, 11) or sys.exit("error: Python 3.11 is needed, found " + sys.version.split()[0] + "; make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet -r requirements/torch.txt
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/lock.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# For tests/slurm, which are skipped without. System packages, hence a target of its own.
SLURM := slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge
slurm:
	@if command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null; then :; \
	elif [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "SLURM is not installed: that takes root and apt. Its tests will be skipped."; \
	else \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $(SLURM) >/dev/null \
		|| echo "SLURM could not be installed. Its tests will be skipped."; \
	fi

# The synthetic city: made, trained on, scored and shown.
demo: $(ENV)
	snakemake --cores $(CORES) --resources gpu=1 --config experiment=demo
	@cat results/demo/tables/scores.md
	@echo "The report: $(CURDIR)/results/demo/report.html"

test: $(ENV)
	pytest -m "not slow"

test-slow: $(ENV)
	pytest -m slow

check: $(ENV)
	ruff check .
	ruff format --check .
	snakefmt --check workflow
	snakemake --lint
	pytest --quiet tests/test_layers.py

# After `git checkout` + `dvc checkout`, or a clone + `dvc pull`: DVC certifies the files, Snakemake takes their times as new
# and notes what all of them were made with.
pulled: $(ENV)
	dvc status --quiet || { echo "error: the files are not those of dvc.lock; run dvc checkout or dvc pull, then dvc status"; exit 1; }
	snakemake --touch --forceall --cores 1

lock: requirements/direct.in
	uvx uv pip compile $< --no-emit-package torch --generate-hashes --universal --python-version 3.11 --no-header --quiet -o requirements/lock.txt
