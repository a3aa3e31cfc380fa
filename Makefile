# Each target makes what it needs: `make demo` and `make test` work from a fresh clone.
# Interpreters, newest first: the environment is made with the first that is supported and for which pip has the pinned torch.
PYTHON ?= python3.14 python3.13 python3.12 python3.11 python3
CORES  ?= $(shell getconf _NPROCESSORS_ONLN)
VENV   ?= .venv
BIN    := $(VENV)/bin
ENV    := $(VENV)/.ready
HOST   := $(PATH)
export PATH := $(CURDIR)/$(BIN):$(PATH)

# A worker that is killed ends the run: with another in its place, the others may wait forever for its finished files.
WORKERS := --numprocesses 5 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

.PHONY: env system demo test test-slow test-python coverage check reference pulled lock

env: $(ENV)

# torch first and alone: its one pin takes the CPU build where the machine offers one; the lock has no torch in it.
# The stamp is written last, so an interrupted installation starts again.
SUPPORTED := import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
$(ENV): requirements/torch.txt requirements/lock.txt
	@export PATH="$(HOST)"; for python in $(PYTHON); do \
		$$python -c '$(SUPPORTED)' 2>/dev/null && $$python -m venv --clear $(VENV) \
		&& $(BIN)/python -m pip install --quiet -r requirements/torch.txt && exit 0; \
	done; \
	echo "error: none of these is a Python 3.11 to 3.14 for which pip has torch: $(PYTHON); use make env PYTHON=/path/to/python" >&2; exit 1
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/lock.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# Programs of the system that some tests use: a SLURM cluster, and a browser for the map and the report.
# A separate target, because it installs system packages.
SYSTEM := slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge chromium
system:
	@if command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null \
		&& command -v chromium >/dev/null; then :; \
	elif [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "SLURM or Chromium is not installed: installing them needs root and apt. Their tests will be skipped."; \
	else \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $(SYSTEM) >/dev/null \
		|| echo "SLURM and Chromium could not be installed. Their tests will be skipped."; \
	fi

# The synthetic city: generate it, train, score and report.
demo: $(ENV)
	@echo "Generates three districts of a synthetic city, trains three networks on one of them, and predicts and scores the"
	@echo "heights and buildings of another. If it is interrupted, the same command resumes it."
	@snakemake --cores $(CORES) --resources gpu=1 --config experiment=demo --logger-img2height-bar
	@img2height scores demo
	@echo "The report: $(CURDIR)/results/demo/report.html"

# Five workers, also on two cores: one of them mostly waits for a cluster, others for jobs.
test: $(ENV)
	pytest -m "not slow" $(WORKERS)

test-slow: $(ENV)
	pytest -m slow

# The fast tests with another Python, in an environment of its own: make test-python VERSION=3.12
test-python:
	$(MAKE) test VENV=.venv-$(VERSION) PYTHON=python$(VERSION)

# The lines of the package that no fast test runs.
coverage: $(ENV)
	pytest -m "not slow" $(WORKERS) --cov --cov-report=term

check: $(ENV)
	ruff check .
	ruff format --check .
	mypy
	snakefmt --check workflow
	snakemake --lint
	pytest --quiet tests/test_layers.py

# docs/reference, from the descriptions of the settings.
reference: $(ENV)
	python docs/make_reference.py

# After `git checkout` + `dvc checkout`, or a clone + `dvc pull`: DVC checks the files; Snakemake then marks them as up to date
# and records what they were made with.
pulled: $(ENV)
	dvc status --quiet || { echo "error: the files are not those of dvc.lock; run dvc checkout or dvc pull, then dvc status"; exit 1; }
	for name in $$(python workflow/rules/starts.py); do \
		snakemake --touch --forceall --cores 1 --config experiment=$$name -- models || exit 1; \
	done
	snakemake --touch --forceall --cores 1

# Keeps the pinned versions; `make lock UPGRADE=--upgrade` takes the newest. One lock for all supported Pythons.
lock: $(ENV)
	uv pip compile pyproject.toml --all-extras --group dev --constraint requirements/torch.txt --no-emit-package torch \
		--universal --python-version 3.11 --generate-hashes --no-header --quiet $(UPGRADE) -o requirements/lock.txt
