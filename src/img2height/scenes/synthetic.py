"""The pixel grid of a synthetic scene."""

from rasterio.crs import CRS

from img2height.io.grid import Grid
from img2height.settings.synthetic import SyntheticPlace

EPSG = 32633


def synthetic_grid(place: SyntheticPlace) -> Grid:
    """Return the pixel grid of a synthetic scene in UTM zone 33 north."""
    east, north = place.origin
    return Grid.north_up(CRS.from_epsg(EPSG), east, north, place.gsd_m, (place.size_px, place.size_px))
