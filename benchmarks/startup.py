"""Print the start-up time of each script: its help, its imports, and their share of a finished job.

python benchmarks/startup.py --logs logs/benchmarks

A job's time is the median of the benchmark files of a finished run of the workflow.
"""

import argparse
import ast
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pandas

ROOT = Path(__file__).parents[1]
flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--logs", type=Path, help="folder of benchmark files by rule; without it the share is left out")
flags.add_argument("--rounds", type=int, default=3, help="number of runs; their median is printed")


def imports_of(script: Path) -> str:
    """Return a program that only imports what the main function of a script imports."""
    main = next(n for n in ast.parse(script.read_text()).body if isinstance(n, ast.FunctionDef) and n.name == "main")
    found = [node for node in ast.walk(main) if isinstance(node, ast.Import | ast.ImportFrom)]
    return "\n".join(map(ast.unparse, found)) or "pass"


def seconds(command: list[str], rounds: int) -> float:
    """Return the median time of a command in its own process."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def job_seconds(logs: Path | None, rule: str) -> list[float]:
    """Return the times of the finished jobs of a rule."""
    return [pandas.read_csv(path, sep="\t")["s"].iloc[0] for path in (logs / rule).rglob("*.tsv")] if logs else []


def main(args: argparse.Namespace) -> None:
    starts = whole = 0.0
    print("| script | help, s | imports, s | job, s | share |\n|---|---|---|---|---|")
    for script in sorted((ROOT / "scripts").glob("*.py")):
        helped = seconds([sys.executable, str(script), "--help"], args.rounds)
        imported = seconds([sys.executable, "-c", imports_of(script)], args.rounds)
        jobs = job_seconds(args.logs, script.stem)
        starts, whole = starts + len(jobs) * imported, whole + sum(jobs)
        share = f"{(job := statistics.median(jobs)):.1f} | {imported / job:.0%}" if jobs else "– | –"
        print(f"| {script.stem} | {helped:.2f} | {imported:.2f} | {share} |", flush=True)
    if whole:
        print(f"all jobs together: {whole:.0f} s, of which {starts / whole:.1%} are imports")


if __name__ == "__main__":
    main(flags.parse_args())
