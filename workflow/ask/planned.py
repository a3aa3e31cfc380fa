"""The plan of an experiment, as Snakemake makes it, without running anything."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from snakemake.api import SnakemakeApi, Workflow  # Workflow alone cannot be imported first
from snakemake.cli import parse_size_in_bytes
from snakemake.exceptions import RuleException, WorkflowError
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    ExecutionSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
)

SNAKEFILE = Path("workflow/Snakefile")
PROFILE = Path("workflow/profiles/default/config.yaml")


@contextmanager
def planned(*targets: str, experiment: str | None = None) -> Iterator[Workflow]:
    """Yield the workflow with its plan, `workflow.dag`; end the program with one line if it cannot be planned.

    Args:
        targets: files or rules.
        experiment: its name; None uses that of config/config.yaml.
    """
    limit = parse_size_in_bytes(yaml.safe_load(PROFILE.read_text(encoding="utf-8"))["max-checksum-file-size"])
    output = OutputSettings(
        dryrun=True,
        quiet={Quietness.RULES, Quietness.PROGRESS},  # ends a dry run with its plan
        log_level_override=logging.ERROR,
        enable_file_logging=False,
    )
    config = ConfigSettings(config={"experiment": experiment} if experiment else {})
    with SnakemakeApi(output) as api:
        loaded = api.workflow(ResourceSettings(cores=1), config_settings=config, snakefile=SNAKEFILE)
        settings = DAGSettings(targets=set(targets), force_incomplete=True, max_checksum_file_size=limit)
        try:
            loaded.dag(settings).execute_workflow(executor="dryrun", execution_settings=ExecutionSettings(lock=False))
        except (RuleException, WorkflowError) as error:
            sys.exit(f"error: {' '.join(str(error).split())}")
        yield loaded._workflow
