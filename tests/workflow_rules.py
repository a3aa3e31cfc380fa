"""The workflow as Snakemake reads it: its rules, and the directives of each as in the files."""

import ast
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from snakemake.api import SnakemakeApi
from snakemake.io import strip_wildcard_constraints
from snakemake.parser import parse
from snakemake.rules import Rule
from snakemake.settings.types import OutputSettings, ResourceSettings
from snakemake.sourcecache import infer_source_file
from snakemake.workflow import Workflow

ROOT = Path(__file__).parents[1]
TARGETS = "targets.smk"


@contextmanager
def loaded_workflow() -> Iterator[Workflow]:
    """Yield the workflow of the checkout with its default experiment; undo what its files change in this process."""
    with (
        mock.patch.dict(os.environ),
        mock.patch.object(sys, "path", [*sys.path]),
        SnakemakeApi(OutputSettings(enable_file_logging=False)) as api,
    ):
        try:
            yield api.workflow(ResourceSettings(), snakefile=ROOT / "workflow/Snakefile", workdir=ROOT)._workflow
        finally:
            gc.enable()


def directives(workflow: Workflow) -> dict[str, list[str]]:
    """Return by rule the names of its directives in order."""
    found = {}
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        compiled, _ = parse(infer_source_file(path), workflow, {})
        for node in ast.walk(ast.parse(compiled)):
            names = [call.func for call in getattr(node, "decorator_list", ()) if isinstance(call, ast.Call)]
            if names and names[0].attr == "rule":
                found[node.decorator_list[0].keywords[0].value.value] = [name.attr for name in names[1:]]
    return found


def file_of(rule: Rule) -> str:
    """Return the name of the file that contains a rule."""
    return Path(rule.snakefile).name


def pattern(path: str) -> str:
    """Return a path of a rule with bare wildcards."""
    return str(strip_wildcard_constraints(path))
