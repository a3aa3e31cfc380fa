import math

import pytest
from affine import Affine
from rasterio.crs import CRS

from img2height.errors import DataError
from img2height.io.grid import Grid
from img2height.view.frame import TILE, WORLD_M, ZOOM, Frame

UTM = CRS.from_epsg(32633)


def frame(crs: CRS | None, transform: Affine) -> Frame:
    return Frame.of(Grid(crs, transform, 300, 200), "height.tif")


@pytest.mark.parametrize("side", [0.25, 0.6, 10])
def test_metres_have_the_scale_of_pixels(side: float) -> None:
    made = frame(UTM, Affine(side, 0, 400_000, 0, -side, 5_800_000)).to_json()
    assert made["scale"] * side == pytest.approx(WORLD_M / (TILE * 2**ZOOM))  # a pixel at the native zoom
    assert (made["pixel_m"], made["north_deg"], made["crs"], made["note"]) == (side, 0, "EPSG:32633", "")


def test_feet_are_converted() -> None:
    assert frame(CRS.from_epsg(2246), Affine(2, 0, 0, 0, -2, 0)).pixel_m == pytest.approx(2 * 1200 / 3937)


def test_a_rotated_raster_knows_its_north() -> None:
    turned = Affine.translation(400_000, 5_800_000) @ Affine.rotation(30) @ Affine.scale(0.5, -0.5)
    made = frame(UTM, turned)
    up = turned @ (0, -1)  # thirty degrees to the west of north: north is thirty degrees to the right of it
    assert math.degrees(math.atan2(up[0] - 400_000, up[1] - 5_800_000)) == pytest.approx(-30)
    assert made.north_deg == pytest.approx(30)


@pytest.mark.parametrize("crs", [None, CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]')])
def test_without_a_projection_units_are_metres_and_the_page_says_so(crs: CRS | None) -> None:
    made = frame(crs, Affine(0.5, 0, 0, 0, -0.5, 0)).to_json()
    assert (made["pixel_m"], made["crs"]) == (0.5, "")
    assert "taken as metres" in made["note"]


@pytest.mark.parametrize(
    ("crs", "transform", "message"),
    [
        (CRS.from_epsg(4326), Affine(1e-5, 0, 10, 0, -1e-5, 50), "coordinates are degrees"),
        (UTM, Affine(0.5, 0, 0, 0, -0.6, 0), "not square"),
        (UTM, Affine(0.5, 0, 0, 0, 0.5, 0), "south to north"),
    ],
)
def test_rasters_that_cannot_be_placed_are_refused(crs: CRS, transform: Affine, message: str) -> None:
    with pytest.raises(DataError, match=message):
        frame(crs, transform)
