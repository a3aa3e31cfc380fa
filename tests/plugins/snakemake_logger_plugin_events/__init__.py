"""Writes Snakemake's events, one JSON object per line: `snakemake --logger events --logger-events-file FILE`."""

import json
from dataclasses import dataclass, field
from logging import LogRecord
from pathlib import Path

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

KEPT = ("stats", "jobid", "job_id", "jobs", "rule_name", "rule_msg", "indent", "log", "shellcmd", "group_id")


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    file: Path | None = field(default=None, metadata={"help": "File to write", "required": True, "type": Path})


class LogHandler(LogHandlerBase):
    writes_to_stream = False
    writes_to_file = False  # not one that Snakemake names to the user
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        self.settings.file.parent.mkdir(parents=True, exist_ok=True)
        self.settings.file.unlink(missing_ok=True)

    def emit(self, record: LogRecord) -> None:
        if event := getattr(record, "event", None):
            found = {name: getattr(record, name) for name in KEPT if hasattr(record, name)}
            with self.settings.file.open("a") as stream:
                stream.write(json.dumps({"event": str(event), **found}, default=str) + "\n")
