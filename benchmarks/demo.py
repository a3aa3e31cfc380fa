"""Run `make demo` of an earlier commit and of the working tree one after the other, and print how long each took.

python benchmarks/demo.py --build c57153e

Each build runs in its own folder with nothing cached, like a new clone, in the environment of this checkout. Wall clock
is the time of the whole workflow; the seconds of all jobs also count jobs that ran at the same time. The machine must
be otherwise idle.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pandas

ROOT = Path(__file__).parents[1]
DEMO = ["--resources", "gpu=1", "--config", "experiment=demo"]
flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--build", required=True, help="git revision to compare with")
flags.add_argument("--cores", default="all", help="as for Snakemake")
flags.add_argument("--folder", type=Path, help="keep both builds with their results here")


def check_out(revision: str | None, folder: Path) -> None:
    """Copy the files of a revision, or those of the working tree that git does not ignore."""
    folder.mkdir(parents=True)
    if revision:
        archive = subprocess.run(["git", "archive", revision], cwd=ROOT, stdout=subprocess.PIPE, check=True)
        subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
        return
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\0"):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)


def run(folder: Path, cores: str) -> dict[str, float]:
    """Return the seconds that the demo takes in a folder: wall clock, jobs, CPU."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with (folder / "demo.log").open("w") as log:
        command = [sys.executable, "-m", "snakemake", "--cores", cores, *DEMO]
        subprocess.run(command, cwd=folder, stdout=log, stderr=log, check=True)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall clock": wall, "all jobs": sum(seconds_by_rule(folder).values()), "CPU": cpu}


def seconds_by_rule(folder: Path) -> Counter[str]:
    """Return by rule the seconds of its jobs, as Snakemake measured them."""
    seconds: Counter[str] = Counter()
    logs = folder / "logs/benchmarks"
    for path in sorted(logs.rglob("*.tsv")):
        seconds[path.relative_to(logs).parts[0]] += pandas.read_csv(path, sep="\t")["s"].sum()
    return seconds


def rmse_m(folder: Path) -> dict[str, float]:
    """Return by method the RMSE in the test district in metres."""
    scores = pandas.read_csv(folder / "results/demo/tables/scores.csv")
    return dict(zip(scores["method"], scores["all_rmse_m"], strict=True))


def print_table(header: str, before: dict[str, float], after: dict[str, float], digits: int) -> None:
    """Print both builds side by side with their ratio."""
    print(f"\n| {header} | before | now | ratio |\n|---|---|---|---|")
    for name in before | after:
        old, new = before.get(name, 0.0), after.get(name, 0.0)
        print(f"| {name} | {old:.{digits}f} | {new:.{digits}f} | {new / old if old else float('nan'):.2f} |")


def main(args: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folders = [(args.folder or Path(scratch)) / name for name in ("before", "now")]
        for revision, folder in zip((args.build, None), folders, strict=True):
            check_out(revision, folder)
        before, now = (run(folder, args.cores) for folder in folders)
        print_table("seconds", before, now, 0)
        print_table("seconds of rule", *map(seconds_by_rule, folders), digits=1)
        print_table("RMSE, m", *map(rmse_m, folders), digits=3)


if __name__ == "__main__":
    main(flags.parse_args())
