"""The versions that a result may depend on."""

import importlib.metadata
import platform
from collections.abc import Iterable
from contextlib import suppress

LIBRARIES = ("torch", "lightning", "numpy", "numba", "rasterio", "geopandas", "shapely")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that a result may depend on; extras may be missing."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found |= installed([name])
    return found


def installed(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of installed packages by name."""
    return {name: importlib.metadata.version(name) for name in packages}
