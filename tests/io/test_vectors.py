"""Vector files of any format are read, or refused in one line."""

import geopandas
import numpy as np
import pandas
import pytest
import shapely

from img2height.errors import DataError
from img2height.io.tables import write_layers
from img2height.io.vectors import numbers, polygon_parts, read_polygons

SQUARE = shapely.box(0, 0, 10, 10)
PARCEL = shapely.box(0, 0, 64, 64)
SPIKED = shapely.Polygon([(0, 0), (10, 0), (10, 10), (5, 10), (5, 20), (5, 10), (0, 10)])
BOW_TIE = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])


def frame(*shapes, crs=32633):
    return geopandas.GeoDataFrame({"n": range(len(shapes))}, geometry=list(shapes), crs=crs)


@pytest.fixture
def project(tmp_path):
    path = tmp_path / "project.gpkg"
    write_layers({"parcels": frame(PARCEL), "buildings": frame(SQUARE)}, path)
    return path


def test_the_layer_is_never_guessed(project):
    with pytest.raises(DataError, match="several layers; name one of parcels, buildings"):
        read_polygons(project, "building_polygons")
    with pytest.raises(DataError, match="no layer 'houses'; name one of parcels, buildings"):
        read_polygons(project, "building_polygons", "houses")
    assert read_polygons(project, "building_polygons", "buildings").area.tolist() == [100]
    assert read_polygons(project, "building_polygons", "parcels").area.tolist() == [4096]


@pytest.mark.parametrize("suffix", [".parquet", ".gpkg", ".geojson", ".shp", ".fgb"])
def test_the_same_polygons_in_any_format(tmp_path, suffix):
    path, given = tmp_path / f"polygons{suffix}", frame(SQUARE, PARCEL)
    given.to_parquet(path) if suffix == ".parquet" else given.to_file(path)
    found = read_polygons(path, "polygons")
    assert sorted(found.to_crs(32633).area.round(3)) == [100, 4096]


@pytest.mark.parametrize(("shape", "area"), [(SPIKED, 100), (BOW_TIE, 50), (SQUARE, 100)])
def test_a_repair_leaves_only_polygons(tmp_path, shape, area):
    path = tmp_path / "polygons.parquet"
    frame(shape).to_parquet(path)
    found = read_polygons(path, "polygons")
    assert set(found.geom_type) <= {"Polygon", "MultiPolygon"}
    assert found.is_valid.all()
    assert found.area.tolist() == [area]


@pytest.mark.parametrize("shape", [shapely.Point(0, 0), shapely.LineString([(0, 0), (1, 1)])])
def test_lines_and_points_are_refused(tmp_path, shape):
    path = tmp_path / "polygons.parquet"
    frame(SQUARE, shape).to_parquet(path)
    with pytest.raises(DataError, match=f"must be polygons, found also {shape.geom_type}"):
        read_polygons(path, "districts")


def test_a_file_that_is_not_a_vector_file_is_one_line(tmp_path):
    for name in ("no.gpkg", "no.parquet", "no.geojson"):
        (tmp_path / name).write_text("nothing")
        with pytest.raises(DataError, match="cannot be read as a vector file"):
            read_polygons(tmp_path / name, "polygons")
    pandas.DataFrame({"a": [1]}).to_parquet(tmp_path / "plain.parquet")
    with pytest.raises(DataError, match="cannot be read as a vector file"):
        read_polygons(tmp_path / "plain.parquet", "polygons")


def test_a_polygon_without_area_becomes_empty():
    flat = shapely.Polygon([(0, 0), (10, 0), (5, 0)])
    assert polygon_parts(np.array([flat, SQUARE])).tolist()[0].area == 0


def test_heights_as_text_are_parsed_and_the_rest_is_counted(caplog):
    column = pandas.Series(["12 m", "3,5", " 7.25", "-2", "", None, "tall", "9 metres"])
    found = numbers(column, "houses.gpkg, column height")
    assert np.array_equal(found, [12, 3.5, 7.25, -2, np.nan, np.nan, np.nan, 9], equal_nan=True)
    assert "houses.gpkg, column height: 1 of 8 values are not numbers, e.g. 'tall'" in caplog.text


def test_styles_that_qgis_stores_are_no_second_layer(tmp_path):
    """QGIS writes them into a table of the file when a user saves a style."""
    styles = pandas.DataFrame({"styleQML": ["<qgis/>"]})
    write_layers({"houses": frame(SQUARE), "layer_styles": styles}, tmp_path / "a.gpkg")
    assert len(read_polygons(tmp_path / "a.gpkg", "buildings")) == 1
