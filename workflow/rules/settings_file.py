"""Settings of a job: Snakemake compares their values, and the command contains a short path."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import paths
import yaml

from img2height.io.atomic import atomic_path


class SettingsFile(dict):
    """A mapping for `params:` that is written to a file, and replaced by its path, when it is formatted into a command.

    A digest of the content is part of the file's name. No file is rewritten, so that the command in an old log still
    works as it did.

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
