"""Files and folders that appear as a whole: written under a temporary name and renamed when they are complete."""

import contextlib
import hashlib
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from img2height.errors import DISK_FULL, DataError

SUFFIX = ".tmp"  # remains of a killed program; ignored by git and DVC


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`; it takes the final name only if the block ends without an error.

    Raises:
        DataError: the disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.", suffix=SUFFIX) as folder:
            temporary = Path(folder) / path.name
            yield temporary
            temporary.chmod(_usual_mode(Path(folder)))  # some libraries write files that only their owner may read
            temporary.replace(path)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise DataError(f"{path}: could not be written ({error}); free some space and run it again") from error


def _usual_mode(folder: Path) -> int:
    """Return the permissions of a new file: those that the umask leaves, which cannot be read without setting it."""
    (probe := folder / ".mode").touch()
    return stat.S_IMODE(probe.stat().st_mode)


@contextlib.contextmanager
def atomic_paths(*paths: str | Path) -> Iterator[list[Path]]:
    """Yield a temporary path for each of several paths; none takes its final name before all are written."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(atomic_path(path)) for path in paths]


@contextlib.contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield an empty temporary folder; it takes the name `path` only if the block ends without an error.

    An existing folder of that name is replaced as a whole; after an error it is unchanged.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.", suffix=SUFFIX) as temporary:
        made = Path(temporary) / "made"
        made.mkdir()
        yield made
        if path.exists():
            path.replace(Path(temporary) / "before")
        made.replace(path)


def file_digest(path: str | Path) -> str:
    """Return the SHA-256 digest of a file."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
