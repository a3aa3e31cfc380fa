"""The driver of studies: all variants are planned, none is run, when Snakemake is asked for a plan."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SYNTHETIC = ["leakage", pytest.param("transfer", marks=pytest.mark.slow), pytest.param("area", marks=pytest.mark.slow)]


def drive(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "studies/run.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("study", SYNTHETIC)
def test_the_variants_are_planned(study):
    done = drive(f"config/studies/{study}.yaml", "--cores", "1", "-n")
    assert done.returncode == 0, done.stdout + done.stderr
    variants = len(list((ROOT / "scratch/studies" / study).glob("*.yaml")))
    assert done.stderr.count(f"experiment={study}_") == variants
    assert (done.stdout + done.stderr).count("This was a dry-run") == variants


def test_a_study_that_does_not_exist_is_one_line():
    done = drive("config/studies/leakige.yaml")
    assert done.returncode == 2
    assert "there is no 'leakige'; did you mean 'leakage'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_is_the_docstring():
    assert "python studies/run.py config/studies/leakage.yaml" in drive("--help").stdout
