"""A copy of the package with a declaration added, to show that one place is enough."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "img2height"


def run_edited(folder: Path, module: str, before: str, added: str, code: str) -> str:
    """Return the output of a program that runs with a copy of the package to which a declaration was added.

    Args:
        folder: folder of the copy.
        module: file inside the package.
        before: the line before which the declaration is inserted.
        added: the declaration.
        code: the program.
    """
    shutil.copytree(PACKAGE, folder / "img2height", ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "img2height" / module
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, f"{added}\n{before}"), encoding="utf-8")
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    return found.stdout
