"""The versions that a result may depend on."""

import importlib.metadata
import platform

LIBRARIES = ("torch", "lightning", "numpy", "numba", "rasterio", "geopandas", "shapely")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that a result may depend on."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in LIBRARIES}
