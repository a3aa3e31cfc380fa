"""Code digests of the last run: computed again only if a source file has changed, because that takes a second."""

import hashlib
import json
import sys
from functools import cache
from pathlib import Path

from img2height.io.atomic import atomic_path
from img2height.provenance.digest import code_digest
from img2height.provenance.modules import PACKAGE
from img2height.settings.installed import module_file

FILE = Path(".snakemake/code_digests.json")


def cached_digest(*roots: str) -> str:
    """Return `code_digest` of a script and of modules that it loads by name."""
    if any(root.partition(".")[0] != PACKAGE for root in roots[1:]):  # the files of other packages are not in `_state`
        return code_digest(*roots)
    stored = _stored()
    name = " ".join(roots)
    if name not in stored:
        stored[name] = code_digest(*roots)
        with atomic_path(FILE) as temporary:
            temporary.write_text(json.dumps({"state": _state(), "digests": stored}), encoding="utf-8")
    return stored[name]


@cache
def _stored() -> dict[str, str]:
    if not FILE.exists():
        return {}
    try:
        content = json.loads(FILE.read_text(encoding="utf-8"))
    except ValueError:  # after a power failure: the digests are only computed again
        return {}
    return content["digests"] if content["state"] == _state() else {}


@cache
def _state() -> str:
    """Return a digest of everything that code digests depend on: all files of the package, all scripts, and Python."""
    package = module_file(PACKAGE).parent
    files = {path.relative_to(package): path for kind in ("py", "html") for path in package.rglob(f"*.{kind}")}
    files |= {path: path for path in Path("scripts").glob("*.py")}
    content = hashlib.sha256(sys.version.encode())
    for name, path in sorted(files.items()):
        content.update(f"\0{name}\0".encode())
        content.update(path.read_bytes())
    return content.hexdigest()
