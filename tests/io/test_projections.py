import geopandas
import pytest
import shapely
from rasterio.crs import CRS
from rasterio.warp import transform_bounds

from img2height.errors import DataError
from img2height.io.projections import metres_per_unit, reproject, reproject_bounds, reproject_table

UTM_32, UTM_33 = CRS.from_epsg(32632), CRS.from_epsg(32633)
BOX = (500_000.0, 5_800_000.0, 500_500.0, 5_800_250.0)


def test_there_and_back_is_the_same_place() -> None:
    there = reproject(shapely.Point(500_000, 5_800_000), UTM_33, UTM_32)
    assert reproject(there, UTM_32, UTM_33).distance(shapely.Point(500_000, 5_800_000)) < 1e-6
    assert there.distance(shapely.Point(908_407.22, 5_817_000)) < 100


def test_the_same_system_changes_no_digit() -> None:
    assert reproject_bounds(BOX, UTM_33, "EPSG:32633") == BOX
    assert reproject(shapely.box(*BOX), UTM_33, UTM_33).bounds == BOX


def test_a_box_is_held_by_its_box_elsewhere() -> None:
    west, south, east, north = reproject_bounds(BOX, UTM_33, UTM_32)
    outline = shapely.segmentize(shapely.box(*BOX), 10)
    assert shapely.box(west - 1e-6, south - 1e-6, east + 1e-6, north + 1e-6).covers(reproject(outline, UTM_33, UTM_32))
    assert (west, south, east, north) == pytest.approx(transform_bounds(UTM_33, UTM_32, *BOX, densify_pts=51))


def test_a_table_moves_as_its_library_moves_it() -> None:
    frame = geopandas.GeoDataFrame({"n": [1, 2]}, geometry=[shapely.box(*BOX), shapely.Point(1, 1)], crs=UTM_33)
    moved, expected = reproject_table(frame, "EPSG:4326"), frame.to_crs("EPSG:4326")
    assert moved.crs == expected.crs
    assert moved.geometry.geom_equals_exact(expected.geometry, 0).all()
    assert reproject_table(frame.iloc[:0], "EPSG:4326").crs == expected.crs


def test_units_of_maps_are_metres_or_refused() -> None:
    assert metres_per_unit(UTM_33) == 1
    assert metres_per_unit(CRS.from_epsg(2264)) == pytest.approx(1200 / 3937)
    for crs in (None, CRS.from_epsg(4326)):
        with pytest.raises(DataError, match="projected coordinate reference system is needed"):
            metres_per_unit(crs)
