"""Reads numbers from pickles without executing them.

A pickle is a program. Here it may build dicts, texts and numbers; NumPy's floats are decoded by stand-ins, because
NumPy's own type accepts any state from a file. All other names are refused.
"""

import io
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from img2height.errors import ModelError

FORMATS = {"f4": "f", "f8": "d"}
# Raised by the standard unpicklers, ours and torch's, for files that are truncated, altered or of another kind.
BROKEN = (
    pickle.UnpicklingError, EOFError, OSError, AttributeError, ImportError, LookupError, MemoryError, OverflowError,
    RuntimeError, TypeError, ValueError, struct.error,
)  # fmt: skip


class FloatType:
    """Stands in for `numpy.dtype`, for floats of four and eight bytes only."""

    def __init__(self, code: str, *_flags: object):
        self.format = FORMATS[code]
        self.order = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] not in ("<", ">", "="):
            raise ValueError(f"byte order {state[1]!r}")
        self.order = state[1]


def scalar(kind: FloatType, data: bytes) -> float:
    """Return the number encoded by a NumPy scalar's type and bytes."""
    return struct.unpack(kind.order + kind.format, data)[0]


STAND_INS: dict[str, Callable[..., Any]] = {
    "numpy.dtype": FloatType,
    "numpy.core.multiarray.scalar": scalar,  # NumPy 1
    "numpy._core.multiarray.scalar": scalar,  # NumPy 2
}


class PlainUnpickler(pickle.Unpickler):
    """Accepts names that need no import, and NumPy's floats."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in of a NumPy float; refuse every other name."""
        if (found := STAND_INS.get(f"{module}.{name}")) is None:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return found


def read_plain_pickle(path: Path) -> Any:
    """Return the content of a pickle of plain values.

    Args:
        path: a pickle of dicts, lists, texts, numbers, None and NumPy floats.

    Raises:
        ModelError: the file is missing, not a pickle, or asks for anything else, which is not executed.
    """
    try:
        return PlainUnpickler(io.BytesIO(path.read_bytes())).load()
    except FileNotFoundError as error:
        raise ModelError(f"{path}: this file does not exist") from error
    except BROKEN as error:
        what = " ".join(str(error).split())
        raise ModelError(f"{path}: not a pickle of plain numbers ({what}); none of it was executed") from error
