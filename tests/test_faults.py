"""The workflow, killed four times and once without space, ends with the bytes of an undisturbed run."""

import os
import subprocess
import sys
from pathlib import Path

import pandas

ROOT = Path(__file__).parents[1]


def test_a_rerun_after_each_fault_ends_with_the_same_bytes(tmp_path):
    part = ["--methods", "unet", "--target", "heights", "--rules", "train", "predict"]
    command = [sys.executable, "benchmarks/faults.py", "5", "--seed", "0", "--folder", str(tmp_path), *part]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ended = pandas.read_csv(tmp_path / "faults_0.csv").set_index("kind")["ended"].to_dict()
    full = ended.pop("disk full")
    assert ended == dict.fromkeys(("job killed", "Snakemake killed", "all killed", "told to stop"), "same bytes")
    assert full == ("skipped: a small disk can only be mounted by root" if os.geteuid() else "same bytes")
