"""The versions that a result may depend on."""

import importlib.metadata
import platform
from collections.abc import Iterable

LIBRARIES = ("torch", "lightning", "numpy", "numba", "rasterio", "geopandas", "shapely")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that a result may depend on."""
    return {"python": platform.python_version()} | installed(LIBRARIES)


def installed(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of installed packages by name."""
    return {name: importlib.metadata.version(name) for name in packages}
