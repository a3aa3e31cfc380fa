"""The synthetic city: districts with exact heights, for the demonstration and for tests that need exact truth.

Geometry and materials are generated here; its siblings `optical`, `sar` and `stereo` render images from the `City`
alone.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from img2height.settings.city import CitySettings

if TYPE_CHECKING:
    import numpy as np

    from img2height.scenes.city.model import City
    from img2height.scenes.city.stereo import Stereo

__all__ = ["CitySettings", "generate", "write"]


def generate(settings: CitySettings) -> "City":
    """Return a district: terrain, streets, buildings, trees, cars, water; the same settings give the same district."""
    from img2height.scenes.city.build import build  # every program imports the settings from here: keep it light

    return build(settings)


def write(
    city: "City",
    eo: "np.ndarray",
    folder: Path,
    *,
    sar: "np.ndarray | None" = None,
    stereo: "Stereo | None" = None,
) -> None:
    """Write a district in the form in which a dataset would be delivered.

    Always eo, dsm, dtm, ndsm, building, water, forest and buildings.gpkg; with the radar also sar, with stereo also
    dsm_initial (with holes), view_<number> and pairs.csv (base-to-height ratio of each pair of views).

    Args:
        city: the truth.
        eo: red, green, blue and near infrared, 4xHxW uint8.
        folder: created if it does not exist.
        sar: hh, hv, vh and vv in decibels, 4xHxW float32, NaN where missing.
        stereo: raw surface model and views.
    """
    from img2height.scenes.city.files import write_city

    write_city(city, eo, folder, sar=sar, stereo=stereo)
