"""The state of a job, from its files, its log and Snakemake's records in .snakemake."""

from pathlib import Path

from snakemake.api import Workflow
from snakemake.jobs import Job

STATES = ("done", "stale", "running", "failed", "missing")


def state_of(job: Job, workflow: Workflow) -> str:
    """Return one of `STATES`.

    Args:
        job: a job of the plan.
        workflow: the planned workflow.
    """
    if started(job, workflow) and any(Path(workflow.persistence.path, "locks").glob("*.lock")):
        return "running"
    if not workflow.dag.needrun(job):
        return "done"
    began, ended = changed(job.log[0]), changed(job.benchmark)  # the benchmark is written only if the job succeeds
    if began > ended:
        return "failed"
    return "stale" if ended and all(Path(file).exists() for file in kept_files(job)) else "missing"


def kept_files(job: Job) -> list[str]:
    """Return the files that a job makes, without temporary ones."""
    return [file for file in job.output if file not in job.temp_output]


def started(job: Job, workflow: Workflow) -> float:
    """Return when an unfinished job was started; 0 if there is none."""
    marked = workflow.persistence._filter_incomplete_keys(map(str, job.output))
    return max((workflow.persistence._get_recorded_starttime(file) for file in marked), default=0)


def changed(path: str) -> float:
    """Return when a file was last written; 0 if it does not exist."""
    return Path(path).stat().st_mtime if Path(path).exists() else 0
