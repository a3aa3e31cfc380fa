"""A copy of the checkout in which the workflow runs for real on tiny districts."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import preloaded
import yaml
from steps import STEPS
from workflow_events import Events, clean_environment

from img2height.io.atomic import SUFFIX

ROOT = Path(__file__).parents[1]
METRICS = "results/tiny/metrics.json"


class Tree:
    """A copy of the checkout whose config/config.yaml is that of the tests.

    Args:
        folder: an empty folder, or that of such a copy.
        experiment: an experiment of the tests, for a new copy.
    """

    def __init__(self, folder: Path, experiment: str = "tiny"):
        self.folder = folder
        if (folder / "workflow").exists():
            return
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
            if name and (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        # The machine code of numba fits sources with the same time of change; compiling it takes longer than most runs.
        for code in (ROOT / "src").rglob("__pycache__/*.nb[ic]"):
            made = folder / code.relative_to(ROOT)
            made.parent.mkdir(exist_ok=True)
            shutil.copy2(code, made)
        text = (ROOT / "config/test/config.yaml").read_text().replace("experiment: tiny", f"experiment: {experiment}")
        (folder / "config/config.yaml").write_text(text)

    def with_one_method(self) -> "Tree":
        """Return this tree after leaving only U-Net in the experiment of the tests."""
        path = self.folder / "config/test/experiments/tiny.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"methods": ["unet"], "recipes": {}}))
        return self

    def copied(self, folder: Path) -> "Tree":
        """Return a copy of this tree with all outputs."""
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        return Tree(folder)

    def run(self, *command: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        """Return a finished command; standard output and error together as text."""
        environment = environment or clean_environment()
        if command[0] == "snakemake":
            return preloaded.run(command, self.folder, environment)
        return subprocess.run(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False,
        )  # fmt: skip

    def make(self, *arguments: str, environment: dict[str, str] | None = None) -> str:
        """Return the output of a run of the workflow, which has to succeed."""
        done = self.run("snakemake", *arguments, environment=environment)
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout

    def planned(self, *arguments: str) -> dict[str, int]:
        """Return the number of jobs by rule that a run would start."""
        events = Events(self.folder / "events.jsonl")
        self.make(
            "--dry-run", "--quiet", "rules", "progress", *events.flags, *arguments, environment=events.environment
        )
        return events.jobs()

    @contextmanager
    def edited(self, file: str, old: str, new: str) -> Iterator[None]:
        """Replace text in a file for a while; an empty `old` appends."""
        text = self.replace(file, old, new)
        try:
            yield
        finally:
            (self.folder / file).write_text(text)

    def replace(self, file: str, old: str, new: str) -> str:
        """Replace text in a file for good, see `edited`, and return the text before."""
        path = self.folder / file
        text = path.read_text()
        assert old in text, (file, old)
        path.write_text(text.replace(old, new, 1) if old else text + new)
        return text

    def logged(self) -> dict[Path, int]:
        """Return when each job that ever ran wrote its log, by path."""
        logs = self.folder / "logs"
        return {path: path.stat().st_mtime_ns for rule in STEPS for path in (logs / rule).rglob("*.log")}

    def ran_since(self, before: dict[Path, int]) -> set[str]:
        """Return the rules of the jobs that ran after `logged`."""
        return {path.relative_to(self.folder).parts[1] for path, at in self.logged().items() if before.get(path) != at}

    def numbers(self) -> dict[str, float]:
        """Return all numbers of metrics.json by their dotted names."""
        return numbers(json.loads((self.folder / METRICS).read_text()))

    def digests(self, *, temporary: bool = True) -> dict[str, str]:
        """Return the SHA-256 digest of every output of the workflow, without logs and scratch files.

        Args:
            temporary: whether to include temporary files, which a program that is still running may remove meanwhile.
        """
        found: list[Path] = []
        for top in ("data", "models", "results"):
            for folder, below, names in os.walk(self.folder / top):  # unlike rglob, accepts that a folder disappears
                delivered = [name for name in below if Path(folder, name) == self.folder / "data/raw"]
                unread = [name for name in below if name.endswith(SUFFIX) and not temporary]
                below[:] = [name for name in below if name not in (*delivered, *unread)]
                found += [Path(folder, name) for name in names if name != ".snakemake_timestamp"]
        return {str(p.relative_to(self.folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(found)}


def stages_of(said: str) -> list[str]:
    """Return the stages that `dvc repro` ran, in order, from its output."""
    return re.findall(r"^Running stage '(.+)':", said, re.MULTILINE)


def numbers(value: Any, name: str = "") -> dict[str, float]:
    """Return all numbers in nested mappings by their dotted names; null and lists are left out, as DVC does."""
    if isinstance(value, dict):
        parts = [numbers(inner, f"{name}.{key}" if name else key) for key, inner in value.items()]
        return {key: number for part in parts for key, number in part.items()}
    return {name: value} if isinstance(value, int | float) and not isinstance(value, bool) else {}
