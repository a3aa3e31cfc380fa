"""A made-up experiment of many scenes is planned: what a job is told does not grow with it."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def longest_command(scenes: int) -> str:
    """Return length and program of the longest command."""
    command = [sys.executable, ROOT / "benchmarks/graph.py", "--scenes", str(scenes), "--methods", "2"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.search(r"^longest command: (.*)$", said, re.M)[1]


def test_no_command_grows_with_the_scenes():
    """Linux takes 128 KiB in one argument, and a shell gets a whole command as one."""
    assert longest_command(scenes=3) == longest_command(scenes=30)
