"""The one place where tests wait: for a condition, never for a time."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
PATIENCE_S = 900.0  # far longer than anything takes on a busy machine
INTERVAL_S = 0.005


def wait_for(
    found: Callable[[], T], process: subprocess.Popen | None = None, said: Callable[[], str] = lambda: ""
) -> T:
    """Return the first true value of a function.

    Args:
        found: the condition.
        process: a process that must run until then.
        said: what to show if it ends before, or if nothing is found in `PATIENCE_S`.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not (value := found()):
        assert process is None or process.poll() is None, f"ended with {process.returncode}: {said()}"
        assert time.monotonic() < deadline, f"not within {PATIENCE_S:.0f} s: {said()}"
        time.sleep(INTERVAL_S)
    return value


def wait_for_file(folder: Path, pattern: str, process: subprocess.Popen) -> Path:
    """Return the first file of a pattern that a running process makes in a folder."""
    return wait_for(lambda: next(folder.glob(pattern), None), process)
