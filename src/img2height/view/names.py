"""Different names for the methods of a map."""

from collections.abc import Sequence
from pathlib import Path


def ends(paths: Sequence[Path]) -> list[str]:
    """Return the end of each path, with as many folders as it takes to distinguish different paths.

    Args:
        paths: at least one.
    """
    parts = [path.resolve().parts for path in paths]
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(each[-length:]) for each in parts]
        if len(set(names)) == len(set(parts)):
            break
    return names
