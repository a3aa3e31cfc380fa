"""What the digests of code stand for: kept when a run starts, so that later it can be said what has changed since."""

import json
from pathlib import Path

import paths

from img2height.io.atomic import atomic_path
from img2height.provenance.digest import code_parts

Parts = dict[str, dict[str, str]]


def record(digest: str, roots: tuple[str, ...]) -> None:
    """Write what a digest stands for, once.

    Args:
        digest: of the code.
        roots: the script and the modules that it is of.
    """
    path = Path(paths.CODE.format(digest=digest))
    if not path.exists():
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(code_parts(*roots)), encoding="utf-8")


def recorded(digest: str) -> Parts | None:
    """Return what a digest stands for: by module, the digest of each definition; None where it was not kept."""
    path = Path(paths.CODE.format(digest=digest))
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
