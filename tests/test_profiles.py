"""The profiles on the command line: the default one must not override another."""

from pathlib import Path

import pytest
import yaml
from snakemake.cli import parse_args
from steps import TABLE

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("flags", "gpu", "jobs", "keep_going"),
    [
        (["--profile", "workflow/profiles/slurm"], 1, 100, True),
        (["--profile", "workflow/profiles/local"], 1, None, False),
        (["--cores", "8", "--resources", "gpu=2"], 2, None, False),
    ],
)
def test_a_profile_limits_what_runs_at_once(monkeypatch, flags, gpu, jobs, keep_going):
    monkeypatch.chdir(ROOT)
    _, args = parse_args(flags)
    assert args.resources["gpu"].value == gpu
    assert args.keep_going == keep_going
    assert args.rerun_incomplete
    if jobs:
        assert args.jobs == jobs
        assert args.cores == 4  # of a group, not of all jobs


def test_groups_of_a_cluster_are_those_of_the_table(monkeypatch):
    monkeypatch.chdir(ROOT)
    _, args = parse_args(["--profile", "workflow/profiles/slurm"])
    assert args.groups == {step.rule: step.group for step in TABLE if step.group}
    assert args.group_components.keys() == {step.group for step in TABLE if step.group}


def test_grid_engine_gets_the_same_jobs_as_slurm():
    """Read as YAML, because Snakemake refuses a profile whose executor is not installed."""
    files = [ROOT / f"workflow/profiles/{name}/config.yaml" for name in ("slurm", "gridengine")]
    slurm, other = (yaml.safe_load(path.read_text()) for path in files)
    same = ("jobs", "cores", "resources", "set-resource-scopes", "set-threads", "groups", "group-components", "retries")
    assert {key: other[key] for key in same} == {key: slurm[key] for key in same}
