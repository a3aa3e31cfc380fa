"""Snakemake's messages of a run: one line why a job runs, the end of a failed job's log, or one progress bar.

Snakemake finds a logger plugin by the name of its package; the default profile sets `logger: img2height`.
"""

import sys
from dataclasses import dataclass, field
from logging import WARNING, LogRecord
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column
from snakemake.logging import ColorizingTextHandler, DefaultFormatter, get_event, is_quiet_about, timestamp
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

LAST_LINES = 12  # of a failed job's log that are shown
MOST_FILES = 2  # named in a reason
PARAMS = "Params have changed since last execution"  # followed by their values, which are long
REASONS = {  # Snakemake's words and ours; files follow
    "Forced execution": "forced",
    "Missing output files": "missing",
    "Incomplete output files": "interrupted while writing",
    "Updated input files": "newer input",
    "Input files updated by another job": "new input",
    "Set of input files has changed since last execution": "different input files",
    "Code has changed since last execution": "command changed",
    PARAMS: "settings or code changed",
    "Software environment definition has changed since last execution": "environment changed",
}


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """The flags of the plugin."""

    bar: bool = field(default=False, metadata={"help": "Show one progress bar, warnings and errors; in a terminal"})


class LogHandler(LogHandlerBase, ColorizingTextHandler):  # type: ignore[misc]
    """Writes the records of a run to the terminal."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = False
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        stream = sys.stdout if self.common_settings.stdout else sys.stderr
        formatter = ShortFormatter(self.common_settings.quiet, self.common_settings.show_failed_logs)
        ColorizingTextHandler.__init__(self, self.common_settings.nocolor, stream, formatter)
        self.failed: dict[int, list[str]] = {}  # logs of jobs that failed and were not run again since
        self.bar = Bar(stream) if self.settings and self.settings.bar and self.is_tty else None

    def emit(self, record: LogRecord) -> None:
        """Write a record, or update the progress bar."""
        event = get_event(record)
        if event == LogEvent.JOB_ERROR:
            self.failed[record.jobid] = record.log
        elif event == LogEvent.JOB_FINISHED:
            self.failed.pop(record.job_id, None)
        if self.bar is None or record.levelno >= WARNING:
            ColorizingTextHandler.emit(self, record)
        else:
            self.bar.follow(event, record)

    def close(self) -> None:
        """End the bar and name the failed jobs, whose messages may have scrolled away."""
        if self.bar:
            self.bar.progress.stop()
        logs = [log for logs in self.failed.values() for log in logs]
        self.failed = {}  # Snakemake closes a handler more than once
        for log in logs:
            self.stream.write(f"Failed: {log}\n")
        ColorizingTextHandler.close(self)


class Bar:
    """One progress bar for all jobs of a run, labelled with the job that started last."""

    def __init__(self, stream: Any):
        job = TextColumn("{task.description}", table_column=Column(no_wrap=True, ratio=1))
        columns = (BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn(), job)
        self.progress = Progress(*columns, console=Console(file=stream), transient=True, expand=True)
        self.task = self.progress.add_task("Planning", total=None)
        self.progress.start()

    def follow(self, event: LogEvent | None, record: LogRecord) -> None:
        """Show what a record says about the run."""
        if event == LogEvent.RUN_INFO:
            self.progress.update(self.task, total=record.stats["total"])
        elif event == LogEvent.JOB_INFO and record.rule_msg:
            self.progress.update(self.task, description=record.rule_msg, refresh=True)
        elif event == LogEvent.PROGRESS:
            self.progress.update(self.task, completed=record.done, total=record.total, refresh=True)


class ShortFormatter(DefaultFormatter):
    """Snakemake's formatter, with short reasons and short errors."""

    def format(self, record: LogRecord) -> str:
        """Return a record as text; for a failed command only its exit status, because its job follows."""
        if get_event(record) == LogEvent.ERROR and "CalledProcessError" in record.msg:
            return f"A command {record.msg.rpartition(chr(39))[2].strip()}"
        return super().format(record)

    def format_job_info(self, msg: dict[str, Any]) -> str:
        """Return what a job does and why."""
        lines = [f"{timestamp()} Job {msg['jobid']}: {msg['rule_msg'] or msg['rule_name']}"]
        if not is_quiet_about(self.quiet, "reason"):
            lines.append(f"    why: {short_reason(msg['reason'])}")
        return "\n".join(lines)

    def _format_job_error(self, msg: dict[str, Any]) -> list[str]:
        lines = [f"Error in rule {msg['rule_name']}, job {msg['jobid']}"]
        if msg["rule_msg"]:  # in an error, the executor's message: what happened to the job on the cluster
            lines.append(f"    message: {msg['rule_msg']}")
        lines += [f"    {name}: {value}" for name, value in msg["aux"].items()]
        return lines + [line for log in msg["log"] for line in self._end_of(log, 1 if msg["indent"] else LAST_LINES)]

    def _format_group_error(self, msg: dict[str, Any]) -> list[str]:
        lines = [f"Error in group {msg['groupid']}"]
        return lines + [line for log in msg["aux_logs"] for line in self._end_of(log, LAST_LINES)]

    def _end_of(self, log: str, count: int) -> list[str]:
        """Return the name of a log and its last lines."""
        try:
            lines = Path(log).read_text(encoding="utf-8", errors="replace").split("\n") if self.show_failed_logs else []
        except FileNotFoundError:
            return [f"    log: {log} (was not written)"]
        ends = [line for line in lines if line.strip()][-count:]
        return [f"    log: {log}", *(f"    | {line}" for line in ends)]


def short_reason(reason: str) -> str:
    """Return Snakemake's reason to run a job in a few words, with at most `MOST_FILES` files per clause."""
    before, params, _ = reason.partition(PARAMS)
    clauses = dict(clause.partition(": ")[::2] for clause in [*before.split("; "), params] if clause)
    if missing := clauses.get("Missing output files"):
        clauses = {"Missing output files": missing}  # it has to run whatever else has changed
    return "; ".join(f"{REASONS.get(name, name)}{_names(files)}" for name, files in clauses.items())


def _names(files: str) -> str:
    names = sorted(files.split(", ")) if files else []
    more = f" and {len(names) - MOST_FILES} more" if len(names) > MOST_FILES else ""
    return f": {', '.join(names[:MOST_FILES])}{more}" if names else ""
