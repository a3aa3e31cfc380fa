"""Prints why a file would be made again: which input, parameter or code has changed since it was made.

python workflow/ask/why.py results/demo/report.html
"""

import argparse
import os
from collections import Counter
from pathlib import Path

from changes import changes_of, moment
from planned import planned
from snakemake.api import Workflow
from snakemake.jobs import Job
from states import kept_files

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("target", help="a file of the workflow, or a target such as `report`")
flags.add_argument("--experiment", help="the experiment of the file; default: that of config/config.yaml")


def explain(workflow: Workflow, target: str) -> str:
    """Return as text why a target would be made again, or that it is up to date.

    Args:
        workflow: the workflow, planned for the target.
        target: a file or a rule.
    """
    order = list(workflow.globals["STEPS"])
    needed = [job for job in workflow.dag.needrun_jobs() if job.rule.name in order and kept_files(job)]
    if not needed:
        return f"{target} is up to date{_made(target)}"
    needed.sort(key=lambda job: order.index(job.rule.name))
    causes: dict[tuple[str, tuple[str, ...]], list[Job]] = {}
    for job in needed:
        causes.setdefault((job.rule.name, tuple(changes_of(job, workflow))), []).append(job)
    missing = os.sep in target and not Path(target).exists()
    lines = [f"{target} does not exist:" if missing else f"{target} is out of date{_made(target)}:"]
    for (_, changes), jobs in causes.items():
        lines += [f"  {_named(jobs)}: {change}" for change in changes]
    follow = Counter(job.rule.name for (_, changes), jobs in causes.items() if not changes for job in jobs)
    if follow:
        listed = ", ".join(f"{rule} ({count})" if count > 1 else rule for rule, count in follow.items())
        lines.append(f"  and the jobs that depend on these: {listed}")
    return "\n".join(lines)


def _made(target: str) -> str:
    return f", made on {moment(Path(target).stat().st_mtime)}" if Path(target).exists() else ""


def _named(jobs: list[Job]) -> str:
    """Return the rule of jobs with their number, or with the wildcards of a single one."""
    first = jobs[0]
    if len(jobs) > 1:
        return f"{first.rule.name} ({len(jobs)} jobs)"
    which = [f"{name} {value}" for name, value in first.wildcards_dict.items() if name != "experiment"]
    return f"{first.rule.name} ({', '.join(which)})" if which else first.rule.name


def main(target: str, experiment: str | None) -> None:
    """Plan and explain."""
    target = os.path.relpath(target) if os.sep in target else target
    with planned(target, experiment=experiment) as workflow:
        print(explain(workflow, target))


if __name__ == "__main__":
    main(**vars(flags.parse_args()))
