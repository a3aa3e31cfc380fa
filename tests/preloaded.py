"""Programs in processes that start with the large libraries imported, which takes longer than their work in most tests.

They are forked from a server that has imported the libraries. So are the programs of Snakemake's jobs: a small `python`
before the real one in the path sends what it was called with to a process that forks, and waits for the end.
"""

import json
import multiprocessing
import os
import runpy
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points
from multiprocessing.connection import wait
from pathlib import Path

TESTS = Path(__file__).parent
SERVER = multiprocessing.get_context("forkserver")
FORK = multiprocessing.get_context("fork")
# Not torchvision, before which the package has to be imported; most of the time that takes is that of torch._dynamo.
SERVER.set_forkserver_preload(["snakemake.cli", "torch._dynamo", "scipy.signal", "geopandas", "rasterio", "numba"])
CALLER = """#!{python} -S
import json, os, socket, sys
if not sys.argv[1:2] or not sys.argv[1].startswith("scripts/"):
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect({address!r})
    called = {{"words": ["python", *sys.argv[1:]], "folder": os.getcwd(), "environment": dict(os.environ)}}
    socket.send_fds(connection, [b"."], [0, 1, 2])
    connection.sendall(json.dumps(called).encode() + b"\\n")
    sys.exit(int(connection.recv(9) or 1))
"""


def run(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess:
    """Return a finished program as `subprocess.run` does; standard output and error together as text.

    Args:
        words: the command: `python` and a file, or an installed program, and its arguments.
        folder: in which it runs.
        environment: all variables.
    """
    with tempfile.NamedTemporaryFile("r") as log:
        process = SERVER.Process(target=_logged, args=(words, folder, dict(environment), log.name))
        process.start()
        process.join()
        return subprocess.CompletedProcess(words, _status(process.exitcode), log.read())


def _status(exitcode: int | None) -> int:
    """Return the exit status that a shell would see."""
    code = exitcode or 0
    return code if code >= 0 else 128 - code


def _logged(words: Sequence[str], folder: Path, environment: dict[str, str], log: str) -> None:
    """Become a program that writes to a file, without what the tests import."""
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:] = [path for path in sys.path if path not in inherited and not Path(path).is_relative_to(TESTS)]
    output = os.open(log, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(output, stream)
    if words[0] == "snakemake":
        with _jobs() as sys.executable:
            _become(words, folder, environment)
    else:
        _become(words, folder, environment)


def _become(words: Sequence[str], folder: str | Path, environment: dict[str, str]) -> None:
    """Run a program with its own folder, environment and module path; ends with its exit."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    if words[0] == "python":
        sys.argv = list(words[1:])
        sys.path.insert(0, str(Path(words[1]).resolve().parent))
        runpy.run_path(words[1], run_name="__main__")
    else:
        sys.argv = list(words)
        (program,) = entry_points(group="console_scripts", name=words[0])
        sys.exit(program.load()())


@contextmanager
def _jobs() -> Iterator[str]:
    """Yield the path of a `python` that runs `scripts/` in forks of this process as it is now."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        python, address = Path(folder, "python"), f"{folder}/socket"
        python.write_text(CALLER.format(python=sys.executable, address=address))
        python.chmod(0o755)
        listener.bind(address)
        listener.listen(64)
        server = FORK.Process(target=_serve, args=(listener,))
        server.start()
        try:
            yield str(python)
        finally:
            server.terminate()
            server.join()


def _serve(listener: socket.socket) -> None:
    """Start a program for each call, for as long as the process that asked for it runs."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    while listener in wait([listener, parent.sentinel]):
        connection, _ = listener.accept()
        FORK.Process(target=_supervise, args=(connection,)).start()
        connection.close()


def _supervise(connection: socket.socket) -> None:
    """Run the program of a call and send its exit status; kill it if the caller ends before."""
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile() as lines:
        called = json.loads(lines.readline())
    program = FORK.Process(target=_job, args=(called, streams))
    program.start()
    if connection in wait([connection, program.sentinel]):
        program.kill()
    program.join()
    connection.sendall(str(_status(program.exitcode)).encode())


def _job(called: dict, streams: Sequence[int]) -> None:
    """Become a program with the streams of its caller."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    _become(**called)
