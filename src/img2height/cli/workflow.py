"""Commands about the workflow of the checkout: they run its programs, because the package does not use Snakemake."""

import subprocess
import sys
from pathlib import Path

from img2height.errors import DataError

PROGRAMS = Path("workflow/ask")


def ask(program: str, *arguments: str) -> int:
    """Run a program of the workflow and return its exit status.

    Args:
        program: name of its file, without suffix.
        arguments: its command-line arguments.

    Raises:
        DataError: the current folder is not a checkout.
    """
    path = PROGRAMS / f"{program}.py"
    if not path.is_file():
        raise DataError(f"{path}: does not exist in {Path.cwd()}; run this command in the folder of a checkout")
    return subprocess.run([sys.executable, str(path), *arguments], check=False).returncode
