import re
from pathlib import Path

import geopandas
import pytest
import shapely
from rasterio.crs import CRS
from rasterio.warp import transform_bounds

import img2height
from img2height.errors import DataError
from img2height.io.projections import metres_per_unit, operation, reproject, reproject_bounds, reproject_table

UTM_32, UTM_33 = CRS.from_epsg(32632), CRS.from_epsg(32633)
BERLIN = (15.0, 52.3, 15.1, 52.4)
BOX = (500_000.0, 5_800_000.0, 500_500.0, 5_800_250.0)


def test_there_and_back_is_the_same_place() -> None:
    there = reproject(shapely.Point(500_000, 5_800_000), UTM_33, UTM_32, BERLIN)
    assert reproject(there, UTM_32, UTM_33, BERLIN).distance(shapely.Point(500_000, 5_800_000)) < 1e-6
    assert there.distance(shapely.Point(908_407.22, 5_817_000)) < 100


def test_the_same_system_changes_no_digit() -> None:
    assert reproject_bounds(BOX, UTM_33, "EPSG:32633", BERLIN) == BOX
    assert reproject(shapely.box(*BOX), UTM_33, UTM_33, BERLIN).bounds == BOX


def test_a_reprojected_box_contains_the_box() -> None:
    west, south, east, north = reproject_bounds(BOX, UTM_33, UTM_32, BERLIN)
    outline = shapely.segmentize(shapely.box(*BOX), 10)
    assert shapely.box(west - 1e-6, south - 1e-6, east + 1e-6, north + 1e-6).covers(
        reproject(outline, UTM_33, UTM_32, BERLIN)
    )
    assert (west, south, east, north) == pytest.approx(transform_bounds(UTM_33, UTM_32, *BOX, densify_pts=51))


def test_a_table_is_transformed_as_by_geopandas() -> None:
    frame = geopandas.GeoDataFrame({"n": [1, 2]}, geometry=[shapely.box(*BOX), shapely.Point(1, 1)], crs=UTM_33)
    moved, expected = reproject_table(frame, "EPSG:4326", BERLIN), frame.to_crs("EPSG:4326")
    assert moved.crs == expected.crs
    assert moved.geometry.geom_equals_exact(expected.geometry, 0).all()
    assert reproject_table(frame.iloc[:0], "EPSG:4326", BERLIN).crs == expected.crs


def test_units_of_maps_are_metres_or_refused() -> None:
    assert metres_per_unit(UTM_33) == 1
    assert metres_per_unit(CRS.from_epsg(2264)) == pytest.approx(1200 / 3937)
    for crs in (None, CRS.from_epsg(4326)):
        with pytest.raises(DataError, match="projected coordinate reference system is needed"):
            metres_per_unit(crs)


def test_no_other_module_transforms_coordinates() -> None:
    package = Path(img2height.__file__).parent
    owners = {package / "io" / name for name in ("projections.py", "verticals.py", "warping.py")}
    for path in set(package.rglob("*.py")) - owners:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"pyproj.*Transformer|rasterio\.(warp|vrt)|frame\.to_crs", text), path


def test_the_choice_is_logged_with_what_would_be_better(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    oxford = (-1.3, 51.7, -1.2, 51.8)
    operation(CRS.from_epsg(27700), "EPSG:32630", oxford)
    operation(CRS.from_epsg(27700), "EPSG:25830", oxford)
    accurate, inaccurate = caplog.records
    assert accurate.levelname == "INFO"
    assert "OSGB36 to WGS 84 (6) + UTM zone 30N, accurate to 2 m; better ones need grid files" in accurate.getMessage()
    assert inaccurate.levelname == "WARNING"
    assert "layers may be displaced" in inaccurate.getMessage()
    assert "uk_os_OSTN15_NTv2_OSGBtoETRS.tif" in inaccurate.getMessage()
