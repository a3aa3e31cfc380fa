"""Print how many submissions and how much time small jobs take on SLURM: alone, as job arrays, and in groups.

It starts a cluster on this machine (make system), so that times are of its cores, not of a queue. Each job imports
rasterio, as the small programs of the workflow do.

python benchmarks/arrays.py --jobs 40 --group 20
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from local_cluster import reason_to_skip, running_cluster

SNAKEFILE = """
rule all:
    input:
        expand("{{job}}.txt", job=range({jobs})),


rule work:
    output:
        "{{job}}.txt",
    resources:
        mem_mb=500,
        runtime=5,
    shell:
        "python -c 'import rasterio' && touch {{output}}"
"""
COUNTING = """#!/bin/sh
echo >>"{counted}"
exec "{sbatch}" "$@"
"""
QUICK = (
    "--slurm-status-command",
    "squeue",
    "--slurm-init-seconds-before-status-checks",
    "1",
    "--seconds-between-status-checks",
    "1",
)

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--jobs", type=int, default=40)
flags.add_argument("--group", type=int, default=20, help="jobs in a group")


def main(args: argparse.Namespace) -> None:
    """Run the jobs in the three ways."""
    if reason := reason_to_skip():
        sys.exit(f"error: {reason}")
    ways = {
        "alone": (),
        "job arrays": ("--slurm-array-jobs", "work"),
        f"groups of {args.group}": (
            "--groups",
            "work=work",
            "--group-components",
            f"work={args.group}",
            "--cores",
            "4",
        ),
    }
    with tempfile.TemporaryDirectory() as name, running_cluster(Path(name)):
        print(f"| {args.jobs} jobs | calls of sbatch | seconds |\n|---|---|---|")
        for way, more in ways.items():
            submissions, seconds = run(Path(name) / way.replace(" ", "_"), args.jobs, more)
            print(f"| {way} | {submissions} | {seconds:.0f} |", flush=True)


def run(folder: Path, jobs: int, more: tuple[str, ...]) -> tuple[int, float]:
    """Return how often sbatch was called for all jobs, and how many seconds they took."""
    programs, counted = folder / "programs", folder / "counted"
    programs.mkdir(parents=True)
    (folder / "Snakefile").write_text(SNAKEFILE.format(jobs=jobs))
    (programs / "sbatch").write_text(COUNTING.format(counted=counted, sbatch=shutil.which("sbatch")))
    (programs / "sbatch").chmod(0o755)
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
    command = [
        "snakemake",
        "--executor",
        "slurm",
        "--jobs",
        str(jobs),
        "--slurm-status-command",
        "squeue",
        *QUICK,
        *more,
    ]
    started = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"error: {' '.join(command)} failed\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return len(counted.read_text().splitlines()), time.monotonic() - started


if __name__ == "__main__":
    main(flags.parse_args())
