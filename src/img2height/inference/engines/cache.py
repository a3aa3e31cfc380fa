"""What engines are built from, kept between runs of this user: made once per model, window and version."""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from img2height.errors import DataError
from img2height.io.atomic import atomic_path

logger = logging.getLogger(__name__)

MOST_FILES = 32  # the weights of a model each, at most 50 MB; the ones not used for longest go first
DIGEST_BYTES = hashlib.sha256().digest_size


def cache_folder() -> Path:
    """Return `$XDG_CACHE_HOME/img2height/engines`, by default in ~/.cache; it may be removed at any time."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "img2height" / "engines"


def cached(key: Mapping[str, object], make: Callable[[], bytes]) -> bytes:
    """Return what `make` returns, or what it returned in an earlier run with the same key.

    A file starts with the digest of its content; one that does not have it is made again. A folder that cannot be
    written costs the time of making.

    Args:
        key: plain values that differ if the content may differ.
        make: returns the content; called only where no file has it.
    """
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    path = cache_folder() / name
    if (content := _read(path)) is not None:
        return content
    content = make()
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(hashlib.sha256(content).digest() + content)
        _remove_oldest(path.parent)
    except DataError:
        logger.info("%s: the disk is full; the engine will be built again in the next run", path)
    except OSError as error:
        logger.info("%s: cannot be written (%s); the engine will be built again in the next run", path, error)
    return content


def _read(path: Path) -> bytes | None:
    try:
        stored = path.read_bytes()
        path.touch()  # used now
    except OSError:
        return None
    digest, content = stored[:DIGEST_BYTES], stored[DIGEST_BYTES:]
    return content if hashlib.sha256(content).digest() == digest else None


def _remove_oldest(folder: Path) -> None:
    files = sorted((path for path in folder.iterdir() if path.is_file()), key=lambda path: path.stat().st_mtime)
    for path in files[:-MOST_FILES]:
        path.unlink(missing_ok=True)
