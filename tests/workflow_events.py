"""The events that a run of Snakemake sends to a logger plugin."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steps import STEPS

PLUGINS = Path(__file__).parent / "plugins"


def clean_environment() -> dict[str, str]:
    """Return the environment without variables that redirect Snakemake."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "SNAKEMAKE_PROFILE")}


@dataclass
class Events:
    """The events of a run, which are written to a file while it runs.

    Args:
        file: a path for the file.
    """

    file: Path

    @property
    def flags(self) -> list[str]:
        """Return the flags of Snakemake that write the events, in addition to the profile's logger."""
        return ["--logger", "img2height", "events", "--logger-events-file", str(self.file)]

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment for Snakemake: a clean one in which it finds the plugin."""
        return clean_environment() | {"PYTHONPATH": str(PLUGINS)}

    def all(self, *kinds: str) -> list[dict[str, Any]]:
        """Return the events of some kinds so far, e.g. `job_info`, in order."""
        lines = self.file.read_text().splitlines(keepends=True) if self.file.exists() else []
        found = [json.loads(line) for line in lines if line.endswith("\n")]
        return [event for event in found if event["event"] in kinds]

    def jobs(self) -> dict[str, int]:
        """Return how many jobs of each rule the run has, without targets."""
        stats = [event["stats"] for event in self.all("run_info")]
        return {rule: count for rule, count in stats[-1].items() if rule in STEPS} if stats else {}

    def commands(self) -> list[str]:
        """Return the shell commands of all jobs."""
        return [event["shellcmd"] for event in self.all("job_info") if event["shellcmd"]]

    def submissions(self) -> int:
        """Return the number of submissions to a cluster: groups, and jobs without a group."""
        single = [event for event in self.all("job_info") if event["shellcmd"] and not event["indent"]]
        return len(self.all("group_info")) + len(single)

    def attempts(self, rule: str) -> int:
        """Return how often jobs of a rule were started."""
        ids = {event["jobid"] for event in self.all("job_info") if event["rule_name"] == rule}
        return sum(len(ids & set(event["jobs"])) for event in self.all("job_started"))

    def logs(self, rule: str) -> list[Path]:
        """Return the logs of failed jobs of a rule: for each its own, and the cluster's."""
        return [Path(log) for event in self.all("job_error") if event["rule_name"] == rule for log in event["log"]]
