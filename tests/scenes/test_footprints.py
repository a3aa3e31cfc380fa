"""Delivered building polygons: which of them are read, with which heights, and the mask made from them."""

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from raw_cases import band, deliver, prepare

from img2height.errors import DataError
from img2height.io.grid import Grid
from img2height.scenes.footprints import burn_footprints, burn_walls, read_footprints
from img2height.settings.dataset import Layer

WEST, NORTH = 500_000.0, 5_800_000.0
GRID = Grid(CRS.from_epsg(32633), Affine(1, 0, WEST, 0, -1, NORTH), 64, 64)


def houses(*corners, side=10.0):
    """Return square houses by their north-west corners in metres from that of the grid."""
    boxes = [shapely.box(WEST + x, NORTH - y - side, WEST + x + side, NORTH - y) for x, y in corners]
    return geopandas.GeoDataFrame({"building_id": range(len(boxes))}, geometry=boxes, crs=32633)


def mask(frame, folder, grid=GRID):
    burn_footprints(frame, grid, folder / "building.tif")
    with rasterio.open(folder / "building.tif") as raster:
        return raster.read(1)


@pytest.mark.parametrize("offset", [0, 0.25, 0.5, 0.75])
def test_a_house_keeps_its_area_for_any_position_of_its_corners(tmp_path, offset):
    assert mask(houses((20 + offset, 20 + offset)), tmp_path).sum() == 100


@given(x=st.floats(1, 50), y=st.floats(1, 50), south_up=st.booleans())
@settings(max_examples=40)
def test_the_mask_has_the_area_of_the_house(tmp_path_factory, x, y, south_up):
    turned = Affine(1, 0, WEST, 0, 1, NORTH - 64) if south_up else GRID.transform
    burnt = mask(houses((x, y)), tmp_path_factory.mktemp("mask"), Grid(GRID.crs, turned, 64, 64))
    assert burnt.sum() == 100


def test_a_rotated_house_keeps_its_area_within_a_hundredth(tmp_path):
    frame = houses((12, 12), side=40)
    frame = frame.set_geometry(frame.rotate(30))
    assert abs(mask(frame, tmp_path).sum() / 1600 - 1) < 0.01


def test_neighbours_share_no_pixel(tmp_path):
    both = mask(houses((10.5, 10.5), (20.5, 10.5)), tmp_path)
    assert both.sum() == 200


def walls(frame, folder):
    burn_walls(frame, GRID, folder / "wall.tif")
    with rasterio.open(folder / "wall.tif") as raster:
        assert raster.descriptions == ("wall",)
        return raster.read(1)


def test_walls_are_where_two_houses_meet_and_in_alleys(tmp_path):
    touching = walls(houses((10, 10), (20, 10), (40, 40)), tmp_path)
    assert touching[11:19, 19:21].all()
    assert touching.sum() == 24  # a strip of two pixels by 10 m, and a pixel beyond each of its corners
    assert walls(houses((10, 10), (21, 10)), tmp_path)[11:19, 20].all()
    assert not walls(houses((10, 10), (23, 10)), tmp_path).any()


def test_a_house_that_is_drawn_twice_or_alone_is_not_all_wall(tmp_path):
    assert not walls(houses((10, 10), side=30), tmp_path).any()
    twice = walls(houses((10, 10), (10, 10), side=30), tmp_path)
    assert twice.any()
    assert not twice[12:38, 12:38].any()


def read(frame, folder, name="houses.gpkg", **layer):
    frame.to_file(folder / name)
    return read_footprints(Layer(path=name, **layer), folder, GRID)


def test_heights_may_be_text(tmp_path):
    frame = houses((5, 5), (25, 5), (45, 5)).assign(height_m=["12 m", "3,5", None])
    assert np.array_equal(read(frame, tmp_path)["height_m"], [12, 3.5, np.nan], equal_nan=True)


@pytest.mark.parametrize("height", [np.inf, -5000.0, -1.0, 4000.0])
def test_implausible_heights_are_refused(tmp_path, height):
    frame = houses((5, 5), (25, 5)).assign(height_m=[7.0, height])
    with pytest.raises(DataError, match="implausible heights"):
        read(frame, tmp_path)
    if np.isfinite(height):
        assert np.array_equal(read(frame, tmp_path, nodata=height)["height_m"], [7, np.nan], equal_nan=True)


def test_a_layer_must_be_named_if_there_are_several(tmp_path):
    houses((5, 5), side=50).to_file(tmp_path / "project.gpkg", layer="parcels")
    houses((5, 5)).to_file(tmp_path / "project.gpkg", layer="buildings")
    with pytest.raises(DataError, match="name one of parcels, buildings"):
        read_footprints(Layer(path="project.gpkg"), tmp_path, GRID)
    assert read_footprints(Layer(path="project.gpkg", layer="buildings"), tmp_path, GRID).area.tolist() == [100]


def test_a_spike_is_not_part_of_a_footprint(tmp_path):
    corners = [(5, 5), (15, 5), (15, 10), (30, 10), (15, 10), (15, 15), (5, 15)]
    spiked = shapely.Polygon([(WEST + x, NORTH - y) for x, y in corners])
    frame = geopandas.GeoDataFrame({"building_id": [1]}, geometry=[spiked], crs=32633)
    found = read(frame, tmp_path)
    assert found.geom_type.tolist() == ["Polygon"]
    assert mask(found, tmp_path).sum() == 100


def test_heights_are_burnt_from_buildings_and_missing_ones_stay_missing(tmp_path):
    layers = deliver(tmp_path / "raw")
    outlines = [shapely.box(WEST + x, NORTH - 9, WEST + x + 4, NORTH - 5) for x in (3, 13, 23)]
    table = geopandas.GeoDataFrame({"h": [20.0, np.nan, 30.0]}, geometry=outlines, crs=32633)
    table.to_file(tmp_path / "raw/houses.gpkg")
    declared = {"path": "houses.gpkg", "height_column": "h", "unit": "foot", "quantity": "building_height"}
    scene = prepare(tmp_path, {"eo": layers["eo"], "ndsm": declared})
    heights = band(scene, "ndsm")
    assert heights[6, [4, 24, 40]].tolist() == pytest.approx([6.096, 9.144, 0], abs=1e-4)
    assert np.isnan(heights[5:9, 13:17]).all() and np.isnan(heights).sum() == 16
    with rasterio.open(scene.path("ndsm")) as raster:
        assert (raster.descriptions, raster.units) == (("building_height",), ("metre",))


def test_buildings_without_heights_are_no_reference(tmp_path):
    layers = deliver(tmp_path / "raw")
    table = geopandas.GeoDataFrame(geometry=[shapely.box(WEST, NORTH - 9, WEST + 9, NORTH)], crs=32633)
    table.to_file(tmp_path / "raw/houses.gpkg")
    with pytest.raises(DataError, match="ndsm: the building polygons have no heights"):
        prepare(tmp_path, {"eo": layers["eo"], "ndsm": {"path": "houses.gpkg"}})
