"""Lists the steps of an experiment: how many jobs are done, stale, running, failed or missing, their time and log.

stale: an input, parameter or the code has changed since; `img2height why FILE` says which.
failed: the job started its log but did not succeed. If Snakemake itself was killed, its jobs are shown as running until
`snakemake --unlock`.

python workflow/ask/status.py demo
"""

import argparse
import csv
import os
import time
from datetime import timedelta
from pathlib import Path

from planned import planned
from snakemake.api import Workflow
from snakemake.jobs import Job
from states import STATES, started, state_of

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("experiment", help="its name")


def table(workflow: Workflow) -> list[tuple[str, str, str, str, str]]:
    """Return step, state, number of jobs, time and log: one row per state of each step.

    Args:
        workflow: the planned workflow.
    """
    steps = workflow.globals["STEPS"]
    jobs: dict[tuple[str, str], list[Job]] = {}
    for job in workflow.dag.jobs:
        if job.rule.name in steps:
            jobs.setdefault((job.rule.name, state_of(job, workflow)), []).append(job)
    rows = [(step, state) for step in steps for state in STATES if (step, state) in jobs]
    return [(*row, str(len(jobs[row])), _time(jobs[row], row[1], workflow), _log(jobs[row])) for row in rows]


def _time(jobs: list[Job], state: str, workflow: Workflow) -> str:
    """Return how long jobs took, or how long the first of the running ones has been running."""
    if state in ("failed", "missing"):
        return ""
    if state == "running":
        return _span(time.time() - min(started(job, workflow) for job in jobs))
    return _span(sum(_measured(job.benchmark) for job in jobs))


def _span(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def _measured(path: str) -> float:
    if not Path(path).exists():
        return 0
    with Path(path).open(newline="") as stream:
        return sum(float(row["s"]) for row in csv.DictReader(stream, delimiter="\t"))


def _log(jobs: list[Job]) -> str:
    """Return the log of a job, or the folder of the logs of several."""
    logs = [job.log[0] for job in jobs if Path(job.log[0]).exists()]
    return os.path.commonpath(logs) if logs else ""


def main(experiment: str) -> None:
    """Plan and print."""
    with planned("all", experiment=experiment) as workflow:
        rows = [("step", "state", "jobs", "time", "log"), *table(workflow)]
    step, state, _, took, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    print("\n".join(f"{a:{step}}  {b:{state}}  {n:>4}  {t:>{took}}  {log}".rstrip() for a, b, n, t, log in rows))


if __name__ == "__main__":
    main(flags.parse_args().experiment)
