"""Environments for programs that need other versions than ours, of packages from the registry."""

import subprocess
import sys
from pathlib import Path


def own_environment(folder: Path, *packages: str) -> Path:
    """Return the folder of the programs of a new environment with some packages."""
    for command in (["venv", folder], ["pip", "install", "--python", folder / "bin/python", *packages]):
        subprocess.run([sys.executable, "-m", "uv", *command], check=True, capture_output=True)
    return folder / "bin"
