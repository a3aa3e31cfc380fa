"""Settings that a job is given: Snakemake compares their values, and the command names a short path."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import paths
import yaml

from img2height.io.atomic import atomic_path


class SettingsFile(dict):
    """A mapping for `params:` that is written to a file, and becomes its path, when it is formatted into a command.

    A digest of the content is part of the file's name. No file is rewritten, so that a command of an old log still does
    what it did.

    Args:
        name: what the file's name begins with.
        values: plain values, as in YAML.
    """

    def __init__(self, name: str, values: Mapping[str, Any]):
        super().__init__(values)
        self.name = name

    def __format__(self, spec: str) -> str:
        text = yaml.safe_dump(dict(self), sort_keys=False, allow_unicode=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        path = Path(paths.SETTINGS.format(name=self.name, digest=digest))
        if not path.exists():
            with atomic_path(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
        return str(path)
