import json
import sqlite3
from contextlib import closing
from itertools import pairwise
from xml.etree import ElementTree

import geopandas
import numpy as np
import pyarrow.parquet
import pyogrio
import pytest
from shapely.geometry import box

from img2height.buildings.files import WRITERS, write_buildings
from img2height.buildings.style import CLASSES, MISSING
from img2height.errors import DataError
from img2height.io.vectors import read_polygons


def buildings(count: int = 3) -> geopandas.GeoDataFrame:
    outlines = [box(500_000 + 20 * i, 5_400_000, 500_012 + 20 * i, 5_400_010) for i in range(count)]
    columns = {
        "building_id": range(1, count + 1),
        "height_m": [np.nan, *np.linspace(4, 40, max(count - 1, 0))][:count],
        "ground_m": 100.0,
        "area_m2": 120.0,
        "roof": ([None, "flat"] * count)[:count],
        "touches_edge": False,
    }
    return geopandas.GeoDataFrame(columns, geometry=geopandas.GeoSeries(outlines, crs=25832), crs=25832)


@pytest.mark.parametrize(
    ("suffix", "count"), [*((s, 3) for s in WRITERS), *((s, 0) for s in WRITERS if s != ".pmtiles")]
)
def test_equal_buildings_give_equal_bytes(tmp_path, suffix, count):
    for name in "ab":
        (tmp_path / name).mkdir()
        write_buildings(buildings(count), tmp_path / name / f"houses{suffix}", "town/unet")
    assert (tmp_path / f"a/houses{suffix}").read_bytes() == (tmp_path / f"b/houses{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", [".parquet", ".gpkg", ".fgb"])
def test_attributes_and_outlines_come_back(tmp_path, suffix):
    path = tmp_path / f"houses{suffix}"
    write_buildings(buildings(), path, "town/unet")
    found = read_polygons(path, "buildings")
    found = found.sort_values("building_id", ignore_index=True)  # FlatGeobuf orders them by place
    assert found.crs == buildings().crs
    assert found.geometry.geom_equals(buildings().geometry).all()
    assert found["height_m"].isna().tolist() == [True, False, False]
    assert found["roof"].isna().tolist() == [True, False, True]


def test_geoparquet_has_a_box_of_each_building(tmp_path):
    write_buildings(buildings(), tmp_path / "houses.parquet", "town/unet")
    stored = json.loads(pyarrow.parquet.read_metadata(tmp_path / "houses.parquet").metadata[b"geo"])
    assert stored["version"] == "1.1.0"
    assert set(stored["columns"]["geometry"]["covering"]["bbox"]) == {"xmin", "ymin", "xmax", "ymax"}


def test_qgis_finds_a_style_with_a_class_for_every_height(tmp_path):
    write_buildings(buildings(), tmp_path / "houses.gpkg", "town/unet")
    with closing(sqlite3.connect(tmp_path / "houses.gpkg")) as file, file:
        (row,) = file.execute(
            "select styleQML from layer_styles where f_table_schema = '' and f_table_name = 'buildings' "
            "and f_geometry_column = (select column_name from gpkg_geometry_columns) and useAsDefault"
        )
    renderer = ElementTree.fromstring(row[0]).find("renderer-v2")
    bounds = [(float(r.get("lower")), float(r.get("upper"))) for r in renderer.iter("range")]
    assert [low for low, _ in bounds] == [MISSING, *CLASSES]
    assert all(one[1] == two[0] for one, two in pairwise(bounds))
    assert len(renderer.findall("symbols/symbol")) == len(bounds)


def test_vector_tiles_keep_small_buildings_and_their_heights(tmp_path):
    frame = buildings(200)
    write_buildings(frame, tmp_path / "houses.pmtiles", "town/unet")
    found = pyogrio.read_dataframe(tmp_path / "houses.pmtiles").dissolve("building_id").to_crs(25832)
    assert len(found) == 200
    assert found.geometry.area.to_numpy() == pytest.approx(120, rel=0.06)  # a unit of a tile is 0.2 m here
    assert found["height_m"].max() == 40


def test_no_buildings_are_no_tiles(tmp_path):
    with pytest.raises(DataError, match="cannot be empty"):
        write_buildings(buildings(0), tmp_path / "houses.pmtiles", "town/unet")
    assert not list(tmp_path.iterdir())


def test_other_names_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"houses.shp.*\.gpkg"):
        write_buildings(buildings(), tmp_path / "houses.shp", "town/unet")
