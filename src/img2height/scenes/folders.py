"""Folders that appear as a whole: written under a temporary name and renamed when they are finished."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield an empty temporary folder; it takes the name `path` only when the block ends without an error.

    A folder that has the name already is replaced as a whole; after an error it is as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as temporary:
        made = Path(temporary) / "made"
        made.mkdir()
        yield made
        if path.exists():
            path.replace(Path(temporary) / "before")
        made.replace(path)
