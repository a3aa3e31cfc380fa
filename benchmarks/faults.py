"""Harm the workflow at random points of the tiny experiment and look whether a rerun ends with the same bytes.

python benchmarks/faults.py 100

Each fault meets a copy of a run that has come as far as one rule: a job, Snakemake or all processes are killed, a job
is told to stop, the disk is full, a raster was cut off or altered, a file is gone. Before the rerun no file may lie
under its final name with other bytes than in the undisturbed run; after it, all files must be the same.
Rows that are in the table already are not repeated.
"""

import argparse
import contextlib
import copy
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas
import psutil
import yaml

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from workflow_tree import Tree

from img2height.io.atomic import SUFFIX

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("faults", type=int, nargs="?", default=100)
flags.add_argument("--seed", type=int, default=0)
flags.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "img2height_faults")
flags.add_argument("--methods", nargs="+", help="of the tiny experiment; all by default")
flags.add_argument("--target", default="all", help="target of the workflow")
flags.add_argument("--rules", nargs="+", help="that are harmed; all by default")

KILLS = ("job killed", "Snakemake killed", "all killed", "told to stop")
HARM = ("raster cut off", "raster altered", "file gone")
KINDS = (*KILLS, "disk full", *HARM)
FOLDERS = {  # by rule, in their order, what it fills
    "prepare_scene": "data/scenes", "list_scenes": "data/folds", "index_tiles": "data/tiles",
    "split_folds": "data/folds", "audit_folds": "data/folds", "augment_samples": "data/samples",
    "audit_coverage": "models", "train": "models",
    "audit_statistics": "models", "predict": "results", "merge_pairs": "results",
    "residuals": "results", "extract_buildings": "results", "evaluate": "results", "collect_metrics": "results",
    "report": "results",
}  # fmt: skip
SMALL_DISK = "8k"
SAME = "same bytes"
PATIENCE_S = 600


@dataclass(frozen=True)
class Fault:
    """What happens, while which rule runs, and when: a share of the time that the rule takes."""

    kind: str
    rule: str
    share: float


class Run:
    """A copy of a finished run that has come as far as one rule, to be harmed.

    Args:
        pristine: the finished run.
        folder: of the copy.
        target: of the workflow.
        rule: that is the next to run.
    """

    def __init__(self, pristine: Tree, folder: Path, target: str, rule: str):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(pristine.folder, folder, symlinks=True)
        self.tree = copy.copy(pristine)
        self.tree.folder = folder
        self.expected = whole_files(pristine)
        self.command = ["snakemake", "--cores", "2", "--resources", "gpu=1", "--", target]
        self.removed: list[str] = []
        rules = list(FOLDERS)
        self.remove(made_after(pristine, rules[: rules.index(rule)], target))

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
        if half := [name for name, digest in whole_files(self.tree).items() if digest != self.expected.get(name)]:
            return f"half-written: {', '.join(half)}"
        if fault.kind in ("Snakemake killed", "all killed"):
            self.tree.run("snakemake", "--unlock")
        done = self.tree.run(*self.command, *self.removed)
        psutil.wait_procs(orphans, PATIENCE_S)
        if done.returncode:
            return f"the rerun failed: {last_error(done.stdout)}"
        found = whole_files(self.tree)
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
        wanted = f"scripts/{rule}.py"
        while running.poll() is None:
            for process in psutil.Process(running.pid).children(recursive=True):
                try:
                    if process.cmdline()[1:2] == [wanted]:
                        return process
                except psutil.Error:
                    continue  # ended meanwhile
            time.sleep(0.02)
        raise RuntimeError(f"rule {rule} did not run; is it needed for the target?")

    def seconds(self, rule: str) -> float:
        """Return how long the rule took undisturbed."""
        times = (self.tree.folder / "logs/benchmarks" / rule).rglob("*.tsv")
        return max(pandas.read_csv(path, sep="\t")["s"].max() for path in times)

    def fill(self, fault: Fault) -> str:
        """Run with hardly any space where the rule writes; return what was wrong about how that ended."""
        folder = self.tree.folder / FOLDERS[fault.rule]
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "none", folder], check=True)
        try:
            done = self.tree.run(*self.command)
        finally:
            subprocess.run(["umount", folder], check=True)
        return unclear(done) if done.returncode else "a full disk went unnoticed"

    def damage(self, fault: Fault, rng: np.random.Generator) -> str:
        """Damage a made file, run, and do as the error says; return what was wrong about how that ended."""
        there = sorted(name for name in whole_files(self.tree) if "raster" not in fault.kind or name.endswith(".tif"))
        if not there:
            return "skipped: nothing is made yet"
        name = str(rng.choice(there))
        path = self.tree.folder / name
        content = bytearray(path.read_bytes())
        content[int(fault.share * len(content))] ^= 0xFF
        path.unlink()
        if fault.kind != "file gone":
            path.write_bytes(content[: int(fault.share * len(content))] if "cut" in fault.kind else content)
        done = self.tree.run(*self.command)
        others = {n for n, digest in whole_files(self.tree).items() if digest != self.expected.get(n)} - {name}
        if not done.returncode and others:
            return f"{name} was taken for whole"
        if done.returncode and (said := unclear(done)):
            return f"{name}: {said}"
        self.removed = self.remove([name])
        return ""

    def remove(self, names: list[str]) -> list[str]:
        """Remove files, and with one of a scene all of it; return the names to ask for to have them made again."""
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


def made_after(tree: Tree, rules: list[str], target: str) -> list[str]:
    """Return what all rules but some have made."""
    return [name for name, rule in made_by(tree, target).items() if rule not in rules]


@cache
def made_by(tree: Tree, target: str) -> dict[str, str]:
    """Return the rule of each file of a finished run."""
    rows = [line.split("\t") for line in tree.make("--summary", "--quiet", "--", target).splitlines()]
    return {row[0]: row[2] for row in rows if len(row) > 5 and (tree.folder / row[0]).exists()}


def whole_files(tree: Tree) -> dict[str, str]:
    """Return the digests of all files under their final names; what a killed program left behind has others."""
    return {name: digest for name, digest in tree.digests().items() if f"{SUFFIX}/" not in name}


def last_error(said: str) -> str:
    """Return the last error line of a program."""
    lines = [line for line in said.splitlines() if "error" in line.lower()]
    return lines[-1] if lines else said[-300:]


def unclear(done: subprocess.CompletedProcess) -> str:
    """Return what is wrong about how a program told of an error; empty when it did so in a line of its own."""
    clear = any(line.startswith(("error: ", "MissingInputException")) for line in done.stdout.splitlines())
    return "" if clear else f"no clear error: {last_error(done.stdout)}"


def finished(folder: Path, methods: list[str] | None, target: str) -> Tree:
    """Return the undisturbed run, or what is missing of it made."""
    folder.mkdir(parents=True, exist_ok=True)
    tree = Tree(folder)
    path = folder / "config/test/experiments/tiny.yaml"
    experiment = yaml.safe_load(path.read_text())
    experiment["methods"] = methods or experiment["methods"]
    experiment["recipes"] = {m: c for m, c in experiment["recipes"].items() if m in experiment["methods"]}
    path.write_text(yaml.safe_dump(experiment, sort_keys=False))
    tree.make("--cores", "2", "--resources", "gpu=1", "--", target)
    return tree


def main(args: argparse.Namespace) -> int:
    pristine = finished(args.folder / "undisturbed", args.methods, args.target)
    rules = args.rules or list(FOLDERS)
    path = args.folder / f"faults_{args.seed}.csv"
    rows = pandas.read_csv(path).to_dict("records") if path.exists() else []
    for n in range(len(rows), args.faults):
        rng = np.random.default_rng([args.seed, n])
        fault = Fault(KINDS[n % len(KINDS)], str(rng.choice(rules)), float(rng.random()))
        start = time.monotonic()
        ended = Run(pristine, args.folder / "harmed", args.target, fault.rule).meet(fault, rng)
        rows.append({"n": n, **vars(fault), "ended": ended, "s": round(time.monotonic() - start, 1)})
        print(f"{n}: {fault.kind}, {fault.rule} at {fault.share:.2f}: {ended}", file=sys.stderr)
        pandas.DataFrame(rows).to_csv(path, index=False)
    table = pandas.DataFrame(rows[: args.faults])
    print("| fault | met | same bytes | skipped | seconds, median |\n|---|---|---|---|---|")
    for kind, met in table.groupby("kind", sort=False):
        skipped = met["ended"].str.startswith("skipped").sum()
        print(f"| {kind} | {len(met)} | {(met['ended'] == SAME).sum()} | {skipped} | {met['s'].median():.0f} |")
    bad = table[~table["ended"].str.startswith((SAME, "skipped"))]
    return len(bad)


if __name__ == "__main__":
    sys.exit(main(flags.parse_args()) > 0)
