"""Print which programs an edit would run again, and on how many modules of the package a program depends.

python benchmarks/digests.py            # this checkout
python benchmarks/digests.py c57153e    # a commit
"""

import argparse
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
EDITS = {  # files below the package, a pattern, and its replacement
    "a docstring in errors.py": ("errors.py", r'"""Base of every', '"""The base of every'),
    "a new key of `metrics`": (
        "**/*.py",
        r'(class Metrics\(Settings\):\n {4}""".*?"""\n)',
        r"\1    new_key: float = 1.0\n",
    ),
    "the label of the progress bar of a prediction": ("inference/*.py", '"Predicting"', '"Working"'),
    "the text of all data errors": ("**/*.py", r'(raise DataError\(f?)"', r'\1"Sorry: '),
    "how polygons are simplified": ("buildings/polygons.py", r"\Z", "\n\nextract.edited = True\n"),
    "a kernel of the metrics": ("metrics/kernels/outcomes.py", r"\Z", "\n\ncount.edited = True\n"),
}
COUNT = """
import json, sys, pathlib
try:
    from img2height.provenance.digest import code_digest, code_parts
    def modules(*roots):
        return sum(name.startswith("img2height") for name in code_parts(*roots))
except ModuleNotFoundError:  # earlier commits, whose digests counted all imported modules
    from img2height.provenance import _imports, _source, _with_parents, code_digest
    def modules(script, *others):
        names = {name for root in [*_imports(pathlib.Path(script)), *others] for name in _with_parents(root)}
        todo = sorted(names)
        while todo:
            new = {name for found in _imports(_source(todo.pop())) for name in _with_parents(found)} - names
            names |= new
            todo += sorted(new)
        return len(names)
network = {"train": ["img2height.methods.unet"], "predict": ["img2height.methods.unet"]}
roots = {path.stem: [str(path), *network.get(path.stem, [])] for path in sorted(pathlib.Path("scripts").glob("*.py"))}
json.dump({name: (code_digest(*found), modules(*found)) for name, found in roots.items()}, sys.stdout)
"""

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("commit", nargs="?", help="default: the files of this checkout")


def export(commit: str | None, folder: Path) -> None:
    """Copy the scripts and the package of a commit, or of this checkout."""
    if commit:
        archive = subprocess.run(
            ["git", "archive", commit, "scripts", "src"], cwd=ROOT, capture_output=True, check=True
        )
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(folder, filter="data")
    else:
        for name in ("scripts", "src"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))


def digests(folder: Path) -> dict[str, tuple[str, int]]:
    """Return the digest of each program and the number of modules that it depends on."""
    environment = os.environ | {"PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", COUNT], cwd=folder, env=environment, capture_output=True, check=True)
    return json.loads(done.stdout)


def edited(folder: Path, files: str, pattern: str, new: str) -> dict[str, tuple[str, int]]:
    """Return the digests after an edit, and undo it."""
    texts = {path: path.read_text() for path in (folder / "src/img2height").glob(files)}
    for path, text in texts.items():
        path.write_text(re.sub(pattern, new, text, flags=re.S))
    found = digests(folder)
    for path, text in texts.items():
        path.write_text(text)
    return found


def main(commit: str | None) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export(commit, folder)
        before = digests(folder)
        print(f"| edit | digests that change, of {len(before)} | which |\n|---|---|---|")
        for edit, (files, pattern, new) in EDITS.items():
            after = edited(folder, files, pattern, new)
            changed = [program for program in before if after[program][0] != before[program][0]]
            named = ", ".join(changed) if len(changed) < 6 else "`train` too" if "train" in changed else "not `train`"
            print(f"| {edit} | {len(changed)} | {named} |")
        print("\n| program | modules that it depends on |\n|---|---|")
        for program, (_, modules) in sorted(before.items(), key=lambda row: -row[1][1]):
            print(f"| {program} | {modules} |")


if __name__ == "__main__":
    main(flags.parse_args().commit)
