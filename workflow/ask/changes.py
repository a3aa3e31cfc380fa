"""Lists what has changed since a job made its files: Snakemake's record of then against what a run would do now."""

import ast
import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from snakemake.api import Workflow
from snakemake.jobs import Job
from snakemake.persistence import MetadataRecord
from states import kept_files, state_of

MOST = 3  # modules, and definitions of each, that are named
LONGEST = 60  # characters of a value
ABSENT = object()


def changes_of(job: Job, workflow: Workflow) -> list[str]:
    """Return as text the reasons of a job itself to run again; empty if only its inputs are made again.

    Args:
        job: a job of the plan.
        workflow: the planned workflow.
    """
    found = list(_missing(job, workflow))
    record = next(filter(None, map(workflow.persistence.metadata, job.output)), None)
    if record is None:
        return found
    found += [*_inputs(job, record, workflow), *_parameters(job, record, workflow)]
    if record.code and record.code != job.rule.shellcmd:
        found.append(f"the command in {Path(job.rule.snakefile).relative_to(Path.cwd())}")
    if not found and workflow.dag.reason(job).forced:
        found.append("an earlier run was interrupted while it was written")
    return found


def _missing(job: Job, workflow: Workflow) -> Iterator[str]:
    kept = kept_files(job)
    missing = [file for file in kept if not Path(file).exists()]
    if missing and state_of(job, workflow) == "failed":
        yield f"its last run failed, see {job.log[0]}"
    elif missing == kept and kept:
        yield "its files do not exist"
    else:
        yield from (f"{file} does not exist" for file in missing)


def _inputs(job: Job, record: MetadataRecord, workflow: Workflow) -> Iterator[str]:
    sources = workflow.dag.dependencies[job].items()
    made_again = {file for other, files in sources if workflow.dag.needrun(other) for file in files}
    before, now = set(record.input or []), set(map(str, job.input))
    yield from (f"input {file} is new" for file in sorted(now - before))
    yield from (f"input {file} is no longer read" for file in sorted(before - now))
    for file in sorted((now & before) - made_again):
        path = Path(file)
        if path.is_file() and path.stat().st_mtime > record.endtime and _digest(path) != _recorded(record, file):
            yield f"input {file} was changed on {moment(path.stat().st_mtime)}"


def _recorded(record: MetadataRecord, file: str) -> str | None:
    return (record.input_checksums or {}).get(file)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"


def moment(time: float) -> str:
    """Return a time as text."""
    return f"{datetime.fromtimestamp(time):%Y-%m-%d %H:%M}"


def _parameters(job: Job, record: MetadataRecord, workflow: Workflow) -> Iterator[str]:
    """Yield the differences from the recorded parameters, of which Snakemake keeps the values without their names."""
    recorded = set(map(repr, job.non_derived_params))  # without those derived from inputs and outputs
    named = {repr(value): (getattr(value, "name", name), value) for name, value in job.params.items()}
    current = {text: pair for text, pair in named.items() if text in recorded}
    before = [ast.literal_eval(text) for text in record.params or [] if text not in current]
    now = [pair for text, pair in current.items() if text not in (record.params or [])]
    for name, value in now:
        old = max(before, key=lambda other: _likeness(other, value), default=ABSENT)
        if old is not ABSENT:
            before.remove(old)
        yield from _differences(name, old, value, workflow)
    yield from (f"parameter {_short(value)} was removed" for value in before)


def _likeness(one: Any, other: Any) -> tuple[bool, int]:
    """Return a sort key that is larger the more likely two values belong to the same parameter."""
    shared = len(one.keys() & other.keys()) if isinstance(one, dict) and isinstance(other, dict) else 0
    return type(one) is type(other) or shared > 0, shared


def _differences(name: str, old: Any, new: Any, workflow: Workflow) -> Iterator[str]:
    """Yield the parts of a parameter that differ, by their dotted names."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*new, *(key for key in old if key not in new)]:
            if old.get(key, ABSENT) != new.get(key, ABSENT):
                yield from _differences(f"{name}.{key}", old.get(key, ABSENT), new.get(key, ABSENT), workflow)
    elif isinstance(new, str) and new in workflow.globals["CODE"]:
        yield from _code(old, new, workflow)
    elif old is ABSENT:
        yield f"{name} is new: {_short(new)}"
    elif new is ABSENT:
        yield f"{name} was removed, was {_short(old)}"
    else:
        yield f"{name} was {_short(old)}, is {_short(new)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _code(old: str, new: str, workflow: Workflow) -> Iterator[str]:
    """Yield the modules whose code differs from that of a digest."""
    import code_record  # next to the rules, in a folder that the workflow has added to sys.path

    from img2height.provenance.digest import code_parts

    now = code_parts(*workflow.globals["CODE"][new])
    if (before := code_record.recorded(old)) is None:
        yield "code (logs/code has no record of the earlier code)"
        return
    modules = sorted(name for name in before | now if before.get(name) != now.get(name))
    for name in modules[:MOST]:
        yield f"code of {name} ({_definitions(before.get(name, {}), now.get(name, {}))})"
    if len(modules) > MOST:
        yield f"code of {len(modules) - MOST} more modules"


def _definitions(before: dict[str, str], now: dict[str, str]) -> str:
    """Return the definitions that differ."""
    names = [name or "on import" for name in before | now if before.get(name) != now.get(name)]
    return ", ".join(names[:MOST]) + (", ..." if len(names) > MOST else "")
