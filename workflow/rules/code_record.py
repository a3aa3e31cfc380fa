"""What the code digests cover: recorded when a run starts, so that `img2height why` can name later changes."""

import json
from pathlib import Path

import paths

from img2height.io.atomic import atomic_path
from img2height.provenance.digest import code_parts

Parts = dict[str, dict[str, str]]


def record(digest: str, roots: tuple[str, ...]) -> None:
    """Write what a digest covers, once.

    Args:
        digest: of the code.
        roots: the script and the modules that it covers.
    """
    path = Path(paths.CODE.format(digest=digest))
    if not path.exists():
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(code_parts(*roots)), encoding="utf-8")


def recorded(digest: str) -> Parts | None:
    """Return what a digest covers: by module, the digest of each definition; None if it was not recorded."""
    path = Path(paths.CODE.format(digest=digest))
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
