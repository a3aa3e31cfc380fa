"""Each thing that can be wrong with known heights gives one clear error."""

import geopandas
import laspy
import numpy as np
import pandas
import pyproj
import pytest
import rasterio
import shapely
from correction_cases import GRID, SIDE, heights, some_pixels, table, write_map, write_points

from img2height.correction.apply import Rasters, correct_map
from img2height.correction.control import read_control
from img2height.correction.placed import References
from img2height.errors import DataError

ABOVE = References("above_ground", "metre")
NAVD88 = References("elevation", "metre", "EPSG:5703", "EPSG:5703")
TRUTH = heights()


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """Return a folder with maps of heights above ground and of elevations."""
    folder = tmp_path_factory.mktemp("maps")
    write_map(folder / "ndsm.tif", TRUTH)
    write_map(folder / "dsm.tif", TRUTH + 200, "dsm")
    write_map(folder / "relative.tif", TRUTH / 20, "relative")
    return folder


def refused(maps, control, refer=ABOVE, *, name="ndsm", crs="EPSG:32633", **options) -> str:
    """Return the error of a correction, which writes nothing."""
    out = control.with_name("out.tif")
    with pytest.raises(DataError) as error:
        correct_map(Rasters(maps / f"{name}.tif"), read_control(control, crs=crs, **options), refer, out)
    assert not out.exists()
    return str(error.value).replace(str(control.parent), "")


def points(folder, heights_m=TRUTH, **options):
    return write_points(folder / "k.csv", heights_m, **options)


def test_too_few(maps, tmp_path):
    assert "19 known heights can be used, at least 20 are needed" in refused(maps, points(tmp_path, count=19))


def test_too_few_blocks(maps, tmp_path):
    rows, columns = np.divmod(np.arange(0, 400, 4), 20)
    table(rows * 2, columns * 2 + 100, TRUTH[rows * 2, columns * 2 + 100]).to_csv(tmp_path / "k.csv", index=False)
    found = refused(maps, tmp_path / "k.csv")
    assert "known heights lie in " in found
    assert "at least 20 are needed to measure what a correction is worth" in found


def test_all_on_the_ground(maps, tmp_path):
    rows, columns = np.nonzero(TRUTH == 0)
    table(rows[::40], columns[::40], TRUTH[rows[::40], columns[::40]]).to_csv(tmp_path / "k.csv", index=False)
    assert "lie on ground, where the map is at most 3 m high" in refused(maps, tmp_path / "k.csv")


def test_outside_the_map(maps, tmp_path):
    found = refused(maps, points(tmp_path), crs="EPSG:32632")
    assert "k.csv: none of 200 known heights lies on " in found
    assert found.endswith("check --crs")


def test_some_outside_the_map_are_counted(maps, tmp_path, caplog):
    control = pandas.read_csv(points(tmp_path))
    control.loc[:9, "x"] += 10_000
    control.loc[10:19, "height"] = np.nan
    control.to_csv(tmp_path / "k.csv", index=False)
    with caplog.at_level("WARNING"):
        report = correct_map(
            Rasters(maps / "ndsm.tif"), read_control(tmp_path / "k.csv", crs="EPSG:32633"), ABOVE, tmp_path / "out.tif"
        )
    assert report.samples == 180
    assert "10 of 190 heights lie outside the map" in caplog.text
    assert "10 of 200 heights are missing and left out" in caplog.text


def test_where_the_map_has_no_height(tmp_path):
    write_map(tmp_path / "empty.tif", np.full_like(TRUTH, np.nan))
    assert "has no valid height at any of 200 known heights" in refused(tmp_path, points(tmp_path), name="empty")


def test_places_that_are_no_numbers(maps, tmp_path):
    (tmp_path / "k.csv").write_text("x,y,height\n500001,5799999,3\n500002,?,4\n")
    assert "row 2 has no valid y ('?')" in refused(maps, tmp_path / "k.csv")


def test_heights_that_are_no_numbers(maps, tmp_path):
    (tmp_path / "k.csv").write_text("x,y,height\n500001,5799999,low\n500002,5799999,high\n")
    assert "none of 2 known heights is a number; check the column" in refused(maps, tmp_path / "k.csv")


def test_a_number_that_stands_for_a_missing_height(maps, tmp_path):
    control = pandas.read_csv(points(tmp_path))
    control.loc[::3, "height"] = -9999
    control.to_csv(tmp_path / "k.csv", index=False)
    found = refused(maps, tmp_path / "k.csv")
    assert "67 of 200 known heights are not possible, the first is -9999 m (from -100 to 1000 m are)" in found
    assert "leave missing heights empty" in found


def test_places_that_are_not_in_the_stated_system(maps, tmp_path):
    found = refused(maps, points(tmp_path), crs="EPSG:4326")
    assert "x 500000" in found and "are not coordinates of EPSG:4326: check --crs" in found


def test_a_system_that_contradicts_the_file(maps, tmp_path):
    cloud = laspy.create()
    cloud.header.add_crs(pyproj.CRS("EPSG:32633"))
    cloud.xyz = np.column_stack([500_001 + np.arange(30), np.full(30, 5_799_999.0), np.full(30, 3.0)])
    cloud.write(tmp_path / "k.laz")
    (tmp_path / "k.csv").write_text("lon,lat,height\n15,52,3\n")
    for name in ("k.laz", "k.csv"):
        assert "--crs is EPSG:32632, but the file states EPSG:" in refused(maps, tmp_path / name, crs="EPSG:32632")


def test_the_system_of_a_vector_file_that_states_none_may_be_given(maps, tmp_path):
    rows, columns = some_pixels(200)
    frame = table(rows, columns, TRUTH[rows, columns])
    shapes = geopandas.points_from_xy(frame.x, frame.y)
    with pytest.warns(UserWarning, match="'crs' was not provided"):
        geopandas.GeoDataFrame(frame[["height"]], geometry=shapes).to_file(tmp_path / "k.gpkg")
    assert read_control(tmp_path / "k.gpkg", crs="EPSG:32633").crs.to_epsg() == 32633
    assert "no coordinate reference system" in refused(maps, tmp_path / "k.gpkg", crs=None)


@pytest.mark.parametrize("terrain", [False, True])
@pytest.mark.parametrize("flag", ["withheld", "synthetic"])
def test_withheld_and_synthetic_points_are_left_out(tmp_path, flag, terrain):
    cloud = laspy.create(point_format=6, file_version="1.4")
    cloud.header.add_crs(pyproj.CRS("EPSG:32633"))
    cloud.xyz = np.column_stack([500_001 + np.arange(4), np.full(4, 5_799_999), [3, 4, 5, 6]])
    cloud.classification = np.full(4, 2, np.uint8)
    cloud[flag] = np.array([0, 1, 0, 1], np.uint8)
    cloud.write(tmp_path / "k.laz")
    assert read_control(tmp_path / "k.laz", terrain=terrain).heights.tolist() == [3, 5]


def test_two_heights_of_one_place(maps, tmp_path):
    control = pandas.read_csv(points(tmp_path))
    pandas.concat([control, control[:1].assign(height=99.0)]).to_csv(tmp_path / "k.csv", index=False)
    found = refused(maps, tmp_path / "k.csv")
    assert "rows 1, 201 state " in found
    assert "m for one place" in found


@pytest.mark.parametrize(("name", "level", "refer"), [("ndsm", 0, ABOVE), ("dsm", 200, NAVD88)])
def test_feet_that_were_declared_as_metres(maps, tmp_path, name, level, refer):
    control = points(tmp_path, (TRUTH + level) / 0.3048)
    assert "are 3.28 times those of the map; they seem to be feet that were declared as metres" in refused(
        maps, control, refer, name=name
    )


def test_elevations_that_were_declared_as_heights_above_ground(maps, tmp_path):
    assert "they seem to be elevations" in refused(maps, points(tmp_path, TRUTH + 200))


def test_heights_above_ground_that_were_declared_as_elevations(maps, tmp_path):
    assert "differ from " in refused(maps, points(tmp_path), NAVD88, name="dsm")


@pytest.mark.parametrize(
    ("name", "refer", "message"),
    [
        ("ndsm", NAVD88, "contains elevations, but "),
        ("dsm", ABOVE, "contains heights above ground, but "),
        ("relative", ABOVE, "contains relative heights"),
        ("ndsm", References("above_ground"), "the unit of the heights is not stated; give --unit"),
        ("ndsm", References("above_ground", "metre", "EPSG:5703"), "heights above ground have no vertical system"),
        (
            "dsm",
            References("elevation", "metre"),
            "system of its elevations is not stated; give --vertical",
        ),
        ("dsm", References("elevation", "metre", "EPSG:5703"), "is not stated; give --map-vertical"),
        ("dsm", References("elevation", "metre", "EPSG:5703", "EPSG:7837"), "heights cannot be converted from NAVD88"),
    ],
)
def test_meanings_that_do_not_fit(maps, tmp_path, name, refer, message):
    assert message in refused(maps, points(tmp_path, TRUTH + (200 if name == "dsm" else 0)), refer, name=name)


def test_a_terrain_without_a_system(maps, tmp_path):
    with rasterio.open(
        tmp_path / "dtm.tif", "w", driver="GTiff", width=SIDE, height=SIDE, count=1, dtype="float32",
        transform=GRID.transform,
    ) as out:  # fmt: skip
        out.write(np.full_like(TRUTH, 200), 1)
        out.set_band_unit(1, "metre")
    control = read_control(points(tmp_path, TRUTH + 200), crs="EPSG:32633")
    with pytest.raises(DataError, match=r"dtm\.tif: has no coordinate reference system; write it into the file"):
        correct_map(Rasters(maps / "ndsm.tif", terrain=tmp_path / "dtm.tif"), control, NAVD88, tmp_path / "out.tif")


def test_maps_that_do_not_state_what_they_are(tmp_path):
    with rasterio.open(
        tmp_path / "map.tif", "w", driver="GTiff", width=SIDE, height=SIDE, count=1, dtype="float32", crs=GRID.crs,
        transform=GRID.transform,
    ) as out:  # fmt: skip
        out.write(TRUTH, 1)
    control = points(tmp_path)
    assert "does not state what the heights are" in refused(tmp_path, control, name="map")
    with rasterio.open(tmp_path / "map.tif", "r+") as out:
        out.set_band_description(1, "ndsm")
    assert "must be in metres" in refused(tmp_path, control, name="map")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x;y;height\n1;2;3\n", "has no column x and y (or lon and lat); its columns are x;y;height"),
        ("x,y,h\n1,2,3\n", "has no column height; its columns are x, y, h"),
    ],
)
def test_tables_without_a_column(maps, tmp_path, text, message):
    (tmp_path / "k.csv").write_text(text)
    assert message in refused(maps, tmp_path / "k.csv")


def test_a_table_without_a_system(maps, tmp_path):
    assert "the coordinate system of x and y is not stated; give --crs" in refused(maps, points(tmp_path), crs=None)


def test_vector_files_that_mix_kinds_or_lack_a_column(maps, tmp_path):
    shapes = [shapely.Point(500_001, 5_799_999), shapely.box(500_001, 5_799_990, 500_009, 5_799_999)]
    frame = geopandas.GeoDataFrame({"roof": [1.0, 2.0]}, geometry=shapes, crs=32633)
    frame.to_file(tmp_path / "k.geojson")
    assert "must contain either points or polygons" in refused(maps, tmp_path / "k.geojson", crs=None)
    frame[1:].to_parquet(tmp_path / "k.parquet")
    assert "has no column height; name that of the heights (--column): roof" in refused(
        maps, tmp_path / "k.parquet", crs=None
    )


def test_all_formats_give_the_same_heights(tmp_path):
    rows, columns = some_pixels(50)
    plain = table(rows, columns, TRUTH[rows, columns])
    plain.to_csv(tmp_path / "k.csv", index=False)
    points = geopandas.points_from_xy(plain["x"], plain["y"], plain["height"])
    frame = geopandas.GeoDataFrame({"height": plain["height"]}, geometry=points, crs=32633)
    frame.to_file(tmp_path / "k.gpkg")
    frame[["geometry"]].to_parquet(tmp_path / "z.parquet")
    moved = frame.to_crs(4326)
    degrees = pandas.DataFrame({"lon": moved.geometry.x, "lat": moved.geometry.y, "height": plain["height"]})
    degrees.to_csv(tmp_path / "degrees.csv", index=False)
    cloud = laspy.create(point_format=6, file_version="1.4")
    cloud.header.add_crs(frame.crs)
    cloud.header.scales, cloud.header.offsets = np.full(3, 1e-3), np.array([500_000, 5_799_000, 0])
    cloud.x, cloud.y, cloud.z = plain["x"], plain["y"], plain["height"]
    cloud.return_number = np.ones(50, np.uint8)
    cloud.classification = np.repeat([2, 6], 25).astype(np.uint8)  # ground, then buildings
    cloud.write(tmp_path / "k.laz")
    for name in ("k.csv", "k.gpkg", "z.parquet", "degrees.csv", "k.laz"):
        found = read_control(tmp_path / name, crs="EPSG:32633" if name == "k.csv" else None)
        np.testing.assert_allclose(found.heights, plain["height"], atol=1e-3)
        back = geopandas.GeoSeries(found.shapes, crs=found.crs).to_crs(32633)
        np.testing.assert_allclose(np.stack([back.x, back.y]), np.stack([plain["x"], plain["y"]]), atol=2e-3)
    ground = read_control(tmp_path / "k.laz", terrain=True)
    np.testing.assert_allclose(ground.heights, plain["height"][:25], atol=1e-3)
