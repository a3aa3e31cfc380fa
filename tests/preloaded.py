"""Runs of Snakemake in processes that start with it imported: importing it takes longer than planning a run."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

TESTS = Path(__file__).parent
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["snakemake.cli"])


def snakemake(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess:
    """Return a finished run as `subprocess.run` does; standard output and error together as text.

    Args:
        arguments: of `snakemake`.
        folder: in which it runs.
        environment: all variables.
    """
    with tempfile.NamedTemporaryFile("r") as log:
        process = SERVER.Process(target=_run, args=(arguments, folder, dict(environment), log.name))
        process.start()
        process.join()
        return subprocess.CompletedProcess(["snakemake", *arguments], process.exitcode or 0, log.read())


def _run(arguments: Sequence[str], folder: Path, environment: dict[str, str], log: str) -> None:
    """Become the program: its folder, environment, output and module path, without what the tests import."""
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(output, stream)
    own = [path for path in sys.path if path not in inherited and not Path(path).is_relative_to(TESTS)]
    sys.path[:] = [*filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)), *own]
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main

    main()
