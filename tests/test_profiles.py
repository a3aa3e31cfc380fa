"""The profiles on the command line: the default one must not override another."""

import subprocess
from pathlib import Path

import pytest
import yaml
from own_environment import own_environment
from snakemake.cli import parse_args
from steps import TABLE

ROOT = Path(__file__).parents[1]
POD = ROOT / "envs/kubernetes.yaml"


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


def test_an_experiment_fits_into_one_pod():
    """DVC brings data and results from its remote and back; the volume of the clone is mounted."""
    pod = yaml.safe_load(POD.read_text())["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert [line.split()[:2] for line in container["args"][0].splitlines()] == [
        ["dvc", "pull"], ["snakemake", "--unlock"], ["dvc", "repro"], ["dvc", "push"],
    ]  # fmt: skip
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.slow
def test_kubernetes_accepts_the_pod(tmp_path):
    programs = own_environment(tmp_path / "validator", "kubernetes-validate==1.37.0")
    for text, status in ((POD.read_text(), 0), (POD.read_text().replace("containers:", "container:"), 1)):
        (tmp_path / "pod.yaml").write_text(text)
        done = subprocess.run(
            [programs / "kubernetes-validate", "--strict", tmp_path / "pod.yaml"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
