"""The pixel grid of a synthetic scene."""

from affine import Affine
from rasterio.crs import CRS

from img2height.io.grid import Grid
from img2height.settings.synthetic import SyntheticPlace

EPSG = 32633


def synthetic_grid(place: SyntheticPlace) -> Grid:
    """Return the pixel grid of a synthetic scene in UTM zone 33 north."""
    east, north = place.origin
    transform = Affine(place.gsd_m, 0, east, 0, -place.gsd_m, north)
    return Grid(CRS.from_epsg(EPSG), transform, place.size_px, place.size_px)
