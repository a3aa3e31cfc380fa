"""Vertical systems: declared or stated, compared, and converted only where PROJ can."""

import numpy as np
import pyproj
import pytest
from cloud_cases import NORTH, write_cloud
from rasterio.windows import Window
from raw_cases import band, deliver, prepare, prepare_file, ramp, write

from img2height.errors import DataError
from img2height.io.grid import Grid
from img2height.io.rasters import open_raster
from img2height.io.verticals import ELLIPSOID, Vertical, height_shift, named_vertical

KAZAKHSTAN = {"west": 500_000.0, "north": 5_200_000.0}  # in zone 39 N, where Caspian heights are 28 m above Baltic ones
DHHN92, DHHN2016 = "EPSG:5783", "EPSG:7837"


@pytest.fixture
def layers(tmp_path):
    return deliver(tmp_path / "raw")


def write_surface_and_terrain(folder, surface: str, terrain: str = DHHN2016) -> None:
    for name, heights, system in (("dsm", ramp() + 5, surface), ("dtm", ramp(), terrain)):
        write(
            folder / f"raw/{name}.tif",
            heights,
            crs=f"EPSG:32633+{system[5:]}" if system else "EPSG:32633",
            unit="metre",
        )


def test_declared_systems_are_compared_with_stated_ones(tmp_path, layers):
    write_surface_and_terrain(tmp_path, "")
    layers["dsm"]["vertical"] = DHHN92
    with pytest.raises(DataError, match="dsm DHHN92 height, dtm DHHN2016 height"):
        prepare(tmp_path, layers)
    layers["dsm"]["vertical"] = DHHN2016
    assert prepare(tmp_path, layers).layers["dsm"].applied == {"vertical": "DHHN2016 height"}


def test_a_declaration_that_contradicts_the_file_is_refused(tmp_path, layers):
    write_surface_and_terrain(tmp_path, DHHN2016)
    layers["dsm"]["vertical"] = ELLIPSOID
    with pytest.raises(DataError, match=r"dsm\.tif: declared as ellipsoid, but its heights refer to DHHN2016 height"):
        prepare(tmp_path, layers)


def test_a_surface_above_the_ellipsoid_minus_a_terrain_above_the_geoid_is_refused(tmp_path, layers):
    """The surface models of US3D's third track are ellipsoidal."""
    write_surface_and_terrain(tmp_path, "", "EPSG:5703")
    layers["dsm"]["vertical"] = ELLIPSOID
    with pytest.raises(DataError, match="dsm ellipsoid, dtm NAVD88 height"):
        prepare(tmp_path, layers)
    write(tmp_path / "raw/dsm.tif", ramp() + 5 - 29, unit="metre")  # not declared: seen by the level of the ground
    del layers["dsm"]["vertical"]
    with pytest.raises(DataError, match=r"ground of dsm - dtm lies at -24\.0 m"):
        prepare(tmp_path, layers)


def test_heights_are_converted_by_proj(tmp_path, layers):
    write_surface_and_terrain(tmp_path, DHHN92)
    file, grid = {"layers": layers}, {"vertical": DHHN2016}
    scene = prepare_file(tmp_path, file, grid)
    moved = band(scene, "dsm") - (ramp() + 5)
    assert 0.001 < np.abs(moved).max() < 0.1
    assert np.allclose(band(scene, "dtm"), ramp(), atol=1e-4)
    assert scene.layers["dsm"].applied == {"vertical": "DHHN92 height", "converted_to": "DHHN2016 height"}
    assert scene.layers["dtm"].applied == {"vertical": "DHHN2016 height", "converted_to": "DHHN2016 height"}


def test_a_conversion_has_the_known_difference(tmp_path):
    write(tmp_path / "a.tif", ramp(), crs="EPSG:32639", **KAZAKHSTAN)
    with open_raster(tmp_path / "a.tif") as raster:
        grid = Grid.of(raster)
    shift = height_shift(named_vertical("EPSG:5705"), named_vertical("EPSG:5611"), grid.crs, grid.place)
    assert np.allclose(shift.at(grid, Window(0, 0, 64, 40)), 28, atol=1e-4)
    assert shift.at(grid, Window(5, 3, 64, 40)).shape == (40, 64)


def test_heights_of_a_system_with_three_axes_are_above_the_ellipsoid(tmp_path, layers):
    three = pyproj.CRS("EPSG:32633").to_3d().to_wkt()
    for name, heights in (("dsm", ramp() + 5), ("dtm", ramp())):
        write(tmp_path / f"raw/{name}.tif", heights, crs=three, unit="metre")
    scene = prepare_file(tmp_path, {"layers": layers}, {"vertical": ELLIPSOID})
    assert (band(scene, "dsm") == ramp() + 5).all()
    assert scene.layers["dsm"].applied == {"vertical": ELLIPSOID, "converted_to": ELLIPSOID}
    with pytest.raises(DataError, match="heights cannot be converted from ellipsoid to EGM96 height: "):
        prepare_file(tmp_path, {"layers": layers}, {"vertical": "EPSG:5773"})


def test_points_are_converted_like_rasters(tmp_path):
    (tmp_path / "raw").mkdir()
    write(tmp_path / "raw/eo.tif", np.ones((1, 16, 16), np.uint8), crs="EPSG:32639", names=["pan"], **KAZAKHSTAN)
    rows, columns = np.mgrid[:16, :16] + 0.5
    heights = np.full(rows.size, 3.0)
    below = np.column_stack([columns.ravel(), rows.ravel() + NORTH - KAZAKHSTAN["north"], heights, heights - 1])
    write_cloud(tmp_path / "raw/a.laz", below, crs="EPSG:32639+5705")
    file = {"layers": {"eo": {"path": "eo.tif"}}, "points": {"path": "a.laz"}}
    scene = prepare_file(tmp_path, file, {"vertical": "EPSG:5611"})
    assert np.allclose(band(scene, "dsm"), 31, atol=1e-3)
    applied = scene.layers["dsm"].applied
    assert (applied["vertical"], applied["converted_to"]) == ("Baltic 1977 height", "Caspian height")
    write_cloud(tmp_path / "raw/a.laz", below, crs="EPSG:32639")
    file["points"]["unit"] = "metre"
    with pytest.raises(DataError, match="neither stated nor declared; declare it for the points"):
        prepare_file(tmp_path, file, {"vertical": "EPSG:5611"})


def test_the_same_system_in_another_unit_is_no_shift(tmp_path):
    write(tmp_path / "a.tif", ramp(), crs="EPSG:26916")
    with open_raster(tmp_path / "a.tif") as raster:
        grid = Grid.of(raster)
    feet = height_shift(named_vertical("EPSG:6360"), named_vertical("EPSG:5703"), grid.crs, grid.place)
    assert np.allclose(feet.at(grid, Window(0, 0, 64, 64)), 0)
    assert height_shift(named_vertical("EPSG:5703"), named_vertical("EPSG:5703"), grid.crs, grid.place) is None


def test_a_conversion_without_its_grid_file_is_refused(tmp_path, layers):
    write_surface_and_terrain(tmp_path, "EPSG:5773", "EPSG:5773")
    with pytest.raises(DataError, match=r"EGM96 height to ellipsoid: this needs a grid file .*us_nga_egm96_15"):
        prepare_file(tmp_path, {"layers": layers}, {"vertical": ELLIPSOID})


def test_unrecorded_heights_are_not_converted(tmp_path, layers):
    with pytest.raises(DataError, match="vertical system is neither stated nor declared; declare it"):
        prepare_file(tmp_path, {"layers": layers}, {"vertical": DHHN2016})


@pytest.mark.parametrize("text", ["EPSG:32633", "EPSG:999999"])
def test_only_vertical_systems_are_named(text):
    with pytest.raises(DataError, match="EPSG:7837 or ellipsoid"):
        named_vertical(text)
    assert named_vertical("EPSG:7415").name == "NAP height"
    assert named_vertical(ELLIPSOID) == Vertical(ELLIPSOID, None)


def test_a_unit_that_contradicts_the_file_is_refused_unless_allowed(tmp_path, layers):
    layers["dsm"]["unit"] = "foot"
    with pytest.raises(DataError, match=r"dsm\.tif: layer dsm is declared in foot, but the file states metre"):
        prepare(tmp_path, layers)
    write(tmp_path / "raw/dtm.tif", ramp() / 0.3048, unit="foot")
    scene = prepare_file(tmp_path, {"layers": layers, "allow": ["unit", "ground_level"]})
    assert np.allclose(band(scene, "dsm"), (ramp() + 5) * 0.3048, atol=1e-4)


def test_eight_bits_are_a_picture_of_heights(tmp_path, layers):
    """The normalised surface models of Potsdam are such pictures."""
    write(tmp_path / "raw/ndsm.tif", (ramp() % 7).astype(np.uint8))
    layers["ndsm"] = {"path": "ndsm.tif", "unit": "metre"}
    with pytest.raises(DataError, match=r"ndsm\.tif: layer ndsm has 8 bits and no scale"):
        prepare(tmp_path, layers)
    assert band(prepare_file(tmp_path, {"layers": layers, "allow": ["eight_bits"]}), "ndsm").max() == 6
