"""Faults injected into a run of the tiny experiment; a rerun must end with the same bytes.

Each fault is injected into a copy of a run that has reached one rule: a job, Snakemake or all processes are killed, a
job is asked to stop, the disk is full, a raster is truncated or altered, a file is deleted. Before the rerun no file
may exist under its final name with other bytes than in the uninterrupted run; after it, all files must be the same.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas
import psutil
import yaml
from polling import wait_for
from steps import STEPS
from workflow_tree import Tree

KILLS = ("job killed", "Snakemake killed", "all killed", "stop requested")
HARM = ("raster truncated", "raster altered", "file deleted")
KINDS = (*KILLS, "disk full", *HARM)
SMALL_DISK = "8k"
SAME = "same bytes"
PATIENCE_S = 600


@dataclass(frozen=True)
class Fault:
    """The kind of fault, the rule during which it happens, and when: a share of the rule's run time."""

    kind: str
    rule: str
    share: float


class Run:
    """A copy of a finished run that has reached one rule, for a fault.

    Args:
        pristine: the finished run.
        folder: folder of the copy.
        target: target of the workflow.
        rule: the next rule to run.
    """

    def __init__(self, pristine: Tree, folder: Path, target: str, rule: str):
        shutil.rmtree(folder, ignore_errors=True)
        self.tree = pristine.copied(folder)
        self.expected = pristine.digests(temporary=False)
        self.command = ["snakemake", "--cores", "2", "--resources", "gpu=1", "--", target]
        self.removed: list[str] = []
        made = made_by(pristine, target)
        before = list(STEPS)[: list(STEPS).index(rule)]
        self.folders = {maker: owner(name) for name, maker in made.items()}
        self.remove([name for name, maker in made.items() if maker not in before])

    def meet(self, fault: Fault, rng: np.random.Generator) -> str:
        """Return how it ended: `SAME`, `skipped: ...`, or what went wrong."""
        if fault.kind == "disk full" and os.geteuid():
            return "skipped: a small disk can only be mounted by root"
        said, orphans = "", []
        if fault.kind in KILLS:
            orphans = self.kill(fault)
        elif fault.kind == "disk full":
            said = self.fill(fault)
        else:
            said = self.damage(fault, rng)
        if said:
            return said
        made = self.tree.digests(temporary=False)
        if half := [name for name, digest in made.items() if digest != self.expected.get(name)]:
            return f"half-written: {', '.join(half)}"
        if fault.kind in ("Snakemake killed", "all killed"):
            self.tree.run("snakemake", "--unlock")
        done = self.tree.run(*self.command, *self.removed)
        psutil.wait_procs(orphans, PATIENCE_S)
        if done.returncode:
            return f"the rerun failed: {last_error(done.stdout)}"
        found = self.tree.digests(temporary=False)
        names = sorted(name for name in {*found, *self.expected} if found.get(name) != self.expected.get(name))
        return f"{len(names)} files differ: {', '.join(names[:3])}" if names else SAME

    def kill(self, fault: Fault) -> list[psutil.Process]:
        """Kill at the moment of the fault; return the processes that survived."""
        running = subprocess.Popen(
            self.command, cwd=self.tree.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        job = self.job_of(fault.rule, running)
        with contextlib.suppress(psutil.TimeoutExpired):
            job.wait(fault.share * self.seconds(fault.rule))
        left = psutil.Process(running.pid).children(recursive=True)
        if fault.kind == "all killed":
            os.killpg(running.pid, signal.SIGKILL)
        elif fault.kind == "Snakemake killed":
            running.kill()
        elif job.is_running():
            job.send_signal(signal.SIGKILL if fault.kind == "job killed" else signal.SIGTERM)
        running.wait(PATIENCE_S)
        return [process for process in left if process.is_running()]

    def job_of(self, rule: str, running: subprocess.Popen) -> psutil.Process:
        """Return the first job of a rule as soon as it runs."""
        wanted = f"scripts/{STEPS[rule].program}.py"

        def job() -> psutil.Process | None:
            for process in psutil.Process(running.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):  # it has ended in the meantime
                    if process.cmdline()[1:2] == [wanted]:
                        return process
            return None

        return wait_for(job, running, lambda: f"rule {rule} did not run; is it needed for the target?")

    def seconds(self, rule: str) -> float:
        """Return how long the rule took without a fault."""
        times = (self.tree.folder / STEPS[rule].benchmarks).rglob("*.tsv")
        return max(pandas.read_csv(path, sep="\t")["s"].max() for path in times)

    def fill(self, fault: Fault) -> str:
        """Run with hardly any space where the rule writes; return what was wrong with the way it ended."""
        folder = self.tree.folder / self.folders[fault.rule]
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "none", folder], check=True)
        try:
            done = self.tree.run(*self.command)
        finally:
            subprocess.run(["umount", folder], check=True)
        return unclear(done) if done.returncode else "a full disk went unnoticed"

    def damage(self, fault: Fault, rng: np.random.Generator) -> str:
        """Damage an output, run, and do as the error says; return what was wrong with the way it ended."""
        made = self.tree.digests(temporary=False)
        there = [name for name in made if "raster" not in fault.kind or name.endswith(".tif")]
        if not there:
            return "skipped: nothing is made yet"
        name = str(rng.choice(there))
        path = self.tree.folder / name
        content = bytearray(path.read_bytes())
        content[int(fault.share * len(content))] ^= 0xFF
        path.unlink()
        if fault.kind != "file deleted":
            end = int(fault.share * len(content)) if fault.kind == "raster truncated" else None
            path.write_bytes(content[:end])
        done = self.tree.run(*self.command)
        found = self.tree.digests(temporary=False)
        others = {n for n, digest in found.items() if digest != self.expected.get(n)} - {name}
        if not done.returncode and others:
            return f"{name} was taken for whole"
        if done.returncode and (said := unclear(done)):
            return f"{name}: {said}"
        self.removed = self.remove([name])
        return ""

    def remove(self, names: list[str]) -> list[str]:
        """Remove files, and the whole folder of a scene; return the targets that make them again."""
        asked = {str(Path(n).with_name("scene.json")) if n.startswith("data/scenes/") else n for n in names}
        for name in asked:
            path = self.tree.folder / name
            if path.name == "scene.json":
                path = path.parent
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        return sorted(asked)


def harmed_rules(tree: Tree, target: str) -> list[str]:
    """Return the rules that have made a file of a finished run, in order."""
    made = set(made_by(tree, target).values())
    return [rule for rule in STEPS if rule in made]


def owner(name: str) -> str:
    """Return the folder of the workflow that contains an output: data/<kind>, models or results."""
    parts = Path(name).parts
    return "/".join(parts[: 2 if parts[0] == "data" else 1])


@cache
def made_by(tree: Tree, target: str) -> dict[str, str]:
    """Return the rule of each file of a finished run."""
    rows = [line.split("\t") for line in tree.make("--summary", "--quiet", "--", target).splitlines()]
    return {row[0]: row[2] for row in rows if len(row) > 5 and (tree.folder / row[0]).exists()}


def last_error(said: str) -> str:
    """Return the last error line of a program; a WorkflowError of Snakemake only says that some job failed."""
    lines = [line for line in said.splitlines() if "error" in line.lower() and not line.startswith("WorkflowError")]
    return lines[-1] if lines else said[-300:]


def unclear(done: subprocess.CompletedProcess) -> str:
    """Return what is wrong with the error message of a program; empty if it is a single line."""
    lines = [line.removeprefix("    | ") for line in done.stdout.splitlines()]  # those of a log are shown so
    clear = any(line.startswith(("error: ", "MissingInputException")) for line in lines)
    return "" if clear else f"no clear error: {last_error(done.stdout)}"


def finished(tree: Tree, methods: list[str] | None, target: str) -> Tree:
    """Return a tree in which the methods of the tiny experiment have run to a target without faults."""
    path = tree.folder / "config/test/experiments/tiny.yaml"
    experiment = yaml.safe_load(path.read_text())
    experiment["methods"] = methods or experiment["methods"]
    experiment["recipes"] = {m: c for m, c in experiment["recipes"].items() if m in experiment["methods"]}
    path.write_text(yaml.safe_dump(experiment, sort_keys=False))
    tree.make("--cores", "2", "--resources", "gpu=1", "--", target)
    return tree
