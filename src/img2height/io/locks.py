"""Locks between processes."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def alone(path: Path, otherwise: Exception | None = None) -> Iterator[None]:
    """Hold the lock of a path while the block runs.

    Args:
        path: a file or folder; the lock is next to it, because the path itself may be removed or replaced.
        otherwise: raised if another process has the lock; None waits for that process to end.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        if otherwise:
            raise otherwise from error
        logger.info("%s: another process is using it; waiting for it to end", path)
        lock.acquire()
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)  # a waiting process notices that it is gone and makes another
        lock.release()
