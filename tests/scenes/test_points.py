"""Rasters from point clouds: numbers worked out by hand, the same for any order, and clear errors."""

from pathlib import Path

import laspy
import numpy as np
import pyproj
import pytest
import rasterio
from cloud_cases import NORTH, UTM, WEST, terrain_points, write_cloud
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.warp import transform_bounds
from raw_cases import band, deliver, prepare_file, write

from img2height.errors import DataError
from img2height.io.clouds import Stated, check_cloud
from img2height.io.grid import Grid
from img2height.scenes import buckets, points
from img2height.scenes.clouds import check_clouds, grid_clouds
from img2height.settings.ground import GroundFilter, PointRules

GRID = Grid.north_up(CRS.from_epsg(32633), WEST, NORTH, 1.0, (2, 2))
NOTHING = Stated()
PLAIN = PointRules(surface_gap_m=0, terrain_gap_m=0)
ONE = Grid.north_up(CRS.from_epsg(32633), WEST, NORTH, 1.0, (1, 1))
# Column, row, height, class: a tree over ground, a roof; ground between noise, water.
HAND = [
    (0.2, 0.2, 10, 2), (0.7, 0.4, 11, 2), (0.5, 0.5, 25, 5), (1.5, 0.5, 17.5, 6),
    (0.5, 1.5, 10.25, 2), (0.5, 1.6, 90, 7), (0.4, 1.5, -40, 18), (1.5, 1.5, 9, 9),
]  # fmt: skip


def gridded(folder: Path, files: list[Path], rules: PointRules = PLAIN, grid: Grid = GRID, stated: Stated = NOTHING):
    folder.mkdir(parents=True, exist_ok=True)
    count = points.grid_points(check_clouds(files, stated), grid, rules, True, folder)
    return read(folder / "dsm.tif"), read(folder / "dtm.tif"), count


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as raster:
        return raster.read(1, masked=True).astype(np.float32).filled(np.nan)


def test_numbers_by_hand(tmp_path):
    cloud = write_cloud(tmp_path / "a.laz", HAND)
    surface, terrain, count = gridded(tmp_path / "out", [cloud])
    assert np.array_equal(surface, [[25, 17.5], [10.25, 9]])
    assert np.array_equal(terrain, np.float32([[10.5, np.nan], [10.25, 9]]), equal_nan=True)
    assert (count.points, count.ground, count.left_out, count.covered) == (6, 4, {7: 1, 18: 1}, 1.0)
    with rasterio.open(tmp_path / "out/dsm.tif") as raster:
        tags = raster.tags()
        assert raster.units == ("metre",)
    assert tags["IMG2HEIGHT_CELL"] == "max"
    assert tags["IMG2HEIGHT_VERTICAL"] == "DHHN2016 height"
    assert tags["IMG2HEIGHT_POINTS"] == "6 of 1 files (a.laz)"


def test_the_percentile_is_a_height_of_a_point(tmp_path):
    cloud = write_cloud(tmp_path / "a.laz", [(0.5, 0.5, height, 2) for height in range(1, 41)])
    surface, terrain, _ = gridded(tmp_path / "out", [cloud], PLAIN.model_copy(update={"surface": "p95"}), ONE)
    assert surface[0, 0] == 38  # of 40 heights 38 do not exceed it
    assert terrain[0, 0] == 20.5


def test_withheld_and_synthetic_points_are_left_out_and_overlap_is_not(tmp_path):
    rows = [(0.5, 0.5, height, 2) for height in (10, 20, 30, 40)]
    flags = {"overlap": [0, 1, 0, 0], "withheld": [0, 0, 1, 0], "synthetic": [0, 0, 0, 1]}
    surface, _, count = gridded(tmp_path / "out", [write_cloud(tmp_path / "a.laz", rows, **flags)], grid=ONE)
    assert (surface[0, 0], count.points) == (20, 2)


@pytest.mark.parametrize(
    ("crs", "stated", "metres"),
    [
        ("EPSG:32633+6360", Stated(), 1200 / 3937),  # NAVD88 height (ftUS)
        ("EPSG:32633", Stated(unit="us_survey_foot"), 1200 / 3937),
        ("EPSG:32633+8228", Stated(unit="foot"), 0.3048),
        (None, Stated(crs="EPSG:32633", unit="metre"), 1.0),
    ],
)
def test_heights_are_converted_to_metres(tmp_path, crs: str | None, stated: Stated, metres: float):
    cloud = write_cloud(tmp_path / "a.laz", HAND, crs=crs)
    surface, _, _ = gridded(tmp_path / "out", [cloud], stated=stated)
    assert np.allclose(surface, np.array([[25, 17.5], [10.25, 9]]) * metres, atol=1e-6)


def test_map_coordinates_in_feet_are_in_their_pixels(tmp_path):
    """A grid in metres over a cloud in US survey feet: points lie where PROJ puts them."""
    west, north = 2_445_000.0, 604_300.0  # feet, Nebraska
    columns, rows = np.meshgrid(np.arange(0.5, 40), np.arange(0.5, 30))
    rows_of = np.column_stack(
        [columns.ravel() + west - WEST, rows.ravel() - north + NORTH, np.full(1200, 328.1), np.full(1200, 2)]
    )
    cloud = write_cloud(tmp_path / "a.laz", rows_of, crs="EPSG:26852")  # points a foot apart
    grid_clouds([cloud], tmp_path / "own", PLAIN, None, Stated(unit="foot"), pixel_m=0.6096)
    with rasterio.open(tmp_path / "own/dsm.tif") as raster:
        assert raster.res[0] == pytest.approx(2, rel=1e-4)  # feet
        assert raster.read(1).max() == pytest.approx(100.0049, abs=1e-3)
    grid = Grid.north_up(CRS.from_epsg(26914), 0, 0, 1, (1, 1))
    with rasterio.open(tmp_path / "own/dsm.tif") as raster:
        west_m, south_m, _, _ = transform_bounds(raster.crs, grid.crs, *raster.bounds)
    grid = Grid.north_up(grid.crs, west_m + 2, south_m + 7, 1, (4, 8))
    surface, _, count = gridded(tmp_path / "like", [cloud], grid=grid, stated=Stated(unit="foot"))
    assert np.isfinite(surface).all()
    assert count.points == pytest.approx(4 * 8 / 0.3048**2, rel=0.1)


@pytest.mark.parametrize("side", [1.0, 0.5, 0.1, 0.3])
@pytest.mark.parametrize("shift", [0.0, 0.01])
def test_the_own_grid_holds_all_points_and_no_empty_row(tmp_path, side: float, shift: float):
    """Points at whole multiples of the pixel size, as gridded clouds have them, lie on borders of pixels."""
    first = -np.round((WEST % side, NORTH % side), 9)  # WEST and NORTH need not be such multiples
    rows, columns = (side * axis.ravel() for axis in np.indices((40, 30)))
    places = [columns + first[0] + shift, rows - first[1] + shift, np.full(1200, 5), np.full(1200, 2)]
    cloud = write_cloud(tmp_path / "a.laz", np.column_stack(places))
    grid_clouds([cloud], tmp_path / "out", PLAIN, None, NOTHING, pixel_m=side)
    surface = read(tmp_path / "out/dsm.tif")
    assert surface.shape == (40, 30)
    assert np.isfinite(surface).all()


def test_a_raster_without_a_system_gives_no_grid(tmp_path):
    write(tmp_path / "like.tif", np.ones((2, 2), np.uint8), crs=None)
    cloud = write_cloud(tmp_path / "a.laz", HAND)
    with pytest.raises(DataError, match=r"like\.tif: has no coordinate reference system; write it into the file"):
        grid_clouds([cloud], tmp_path / "out", PLAIN, None, NOTHING, like=tmp_path / "like.tif")


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["max", "p95"]))
def test_order_files_and_blocks_do_not_show(tmp_path_factory, seed: int, surface: str):
    folder, rng = tmp_path_factory.mktemp("order"), np.random.default_rng(seed)
    cloud, side = terrain_points(24, seed), 24
    rules = PointRules(surface=surface, surface_gap_m=4, terrain_gap_m=9)
    grid = Grid.north_up(GRID.crs, WEST, NORTH, 1.0, (side, side))
    whole = gridded(folder / "whole", [write_cloud(folder / "0.laz", cloud)], rules, grid)
    parts = np.array_split(rng.permutation(cloud), 3)
    files = [write_cloud(folder / f"{n}.laz", part) for n, part in enumerate(parts, 1)][::-1]
    with pytest.MonkeyPatch.context() as patch:
        for module in (buckets, points):
            patch.setattr(module, "BLOCK_PX", 16)
        patch.setattr(Grid.blocks, "__defaults__", (16,))
        patch.setattr(points, "GAPS_PX", int(rng.integers(5, 30)))
        patch.setattr("img2height.io.clouds.CHUNK", 100)
        divided = gridded(folder / "divided", files, rules, grid)
    for one, other in zip(whole[:2], divided[:2], strict=True):
        assert np.array_equal(one, other, equal_nan=True)
    assert whole[2].points == divided[2].points == len(cloud)


def test_terrain_continues_below_a_house_and_is_marked(tmp_path):
    cloud = write_cloud(tmp_path / "a.laz", terrain_points(48, per_pixel=6))
    grid_clouds([cloud], tmp_path / "out", PointRules(), None, Stated(), pixel_m=1)
    terrain, above, marked = (read(tmp_path / f"out/{name}.tif") for name in ("dtm", "ndsm", "dtm_filled"))
    middle = slice(20, 28)
    assert np.allclose(terrain[middle, middle], np.broadcast_to(100.05 + 0.1 * np.arange(20, 28), (8, 8)), atol=0.1)
    assert np.allclose(above[middle, middle], 6, atol=0.2)
    assert (marked[middle, middle] == 1).all()
    assert not (marked[:10] == 1).any()


def test_the_filter_estimates_the_terrain_of_points_without_classes(tmp_path):
    rows = terrain_points(48, per_pixel=6)
    rows[:, 3] = 1
    cloud = write_cloud(tmp_path / "a.laz", rows)
    with pytest.raises(DataError, match="no point is classified as ground"):
        grid_clouds([cloud], tmp_path / "out", PointRules(), None, Stated(), pixel_m=1)
    assert not (tmp_path / "out").exists()
    grid_clouds([cloud], tmp_path / "out", PointRules(), GroundFilter(window_m=20), Stated(), pixel_m=1)
    assert np.allclose(read(tmp_path / "out/ndsm.tif")[20:28, 20:28], 6, atol=0.5)


def test_a_scene_is_made_from_points_on_the_grid_of_its_image(tmp_path):
    layers = deliver(tmp_path / "raw")
    write(tmp_path / "raw/eo.tif", np.ones((3, 48, 48), np.uint8), names=["red", "green", "blue"])
    first, second = np.array_split(terrain_points(48, per_pixel=6), 2)
    write_cloud(tmp_path / "raw/lidar/1.laz", first)
    write_cloud(tmp_path / "raw/lidar/2.laz", second)
    scene = prepare_file(tmp_path, {"layers": {"eo": layers["eo"]}, "points": {"path": "lidar"}})
    assert np.allclose(band(scene, "ndsm")[20:28, 20:28], 6, atol=0.2)
    applied = scene.layers["dsm"].applied
    assert (applied["cell"], applied["vertical"]) == ("max", "DHHN2016 height")
    assert scene.layers["dtm"].applied["cell"] == "mean"


def in_feet_by_keys(path: Path) -> None:
    """Write a cloud whose GeoTIFF keys name a system in metres, and feet as the unit of its axes."""
    write_cloud(path, HAND, crs=None, version="1.2")
    cloud = laspy.read(path)
    cloud.header.add_crs(pyproj.CRS.from_epsg(32104))
    keys = next(record for record in cloud.header.vlrs if hasattr(record, "geo_keys"))
    unit = laspy.vlrs.geotiff.GeoKeyEntryStruct(id=3076, tiff_tag_location=0, count=1, value_offset=9003)
    keys.geo_keys.append(unit)
    keys.geo_keys_header.number_of_keys += 1
    cloud.write(path)


@pytest.mark.parametrize(
    ("crs", "stated", "message"),
    [
        (None, Stated(unit="metre"), "states no coordinate system"),
        ("EPSG:4326", Stated(unit="metre"), "coordinates are degrees"),
        ("EPSG:32633", Stated(), "unit of its heights is not stated .its map coordinates are in metre"),
        ("EPSG:32633+6360", Stated(unit="foot"), "contradict each other"),
        (UTM, Stated(crs="EPSG:32632"), "declared as EPSG:32632"),
        (UTM, Stated(vertical="EPSG:5783"), "declared as DHHN92 height"),
        (UTM, Stated(crs="nowhere"), "not a coordinate system"),
        ("EPSG:32633+5715", Stated(), "counts downwards"),
    ],
)
def test_what_a_file_lacks_or_contradicts_is_an_error(tmp_path, crs: str | None, stated: Stated, message: str):
    cloud = write_cloud(tmp_path / "a.laz", HAND, crs=crs)
    with pytest.raises(DataError, match=message):
        check_cloud(cloud, stated)


def test_feet_of_geotiff_keys_are_not_dropped(tmp_path):
    in_feet_by_keys(tmp_path / "a.las")
    with pytest.raises(DataError, match="us_survey_foot according to its GeoTIFF keys"):
        check_cloud(tmp_path / "a.las", Stated(unit="metre"))


def test_unusable_clouds_are_errors(tmp_path):
    (tmp_path / "text.laz").write_text("no cloud")
    with pytest.raises(DataError, match="cannot be read as a point cloud"):
        check_cloud(tmp_path / "text.laz", Stated())
    with pytest.raises(DataError, match="contains no points"):
        check_cloud(write_cloud(tmp_path / "none.laz", np.empty((0, 4))), Stated())
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="contains no point cloud"):
        check_clouds([tmp_path / "folder"], Stated())
    with pytest.raises(DataError, match="does not exist"):
        check_clouds([tmp_path / "b.laz"], Stated())
    one, other = write_cloud(tmp_path / "1.laz", HAND), write_cloud(tmp_path / "2.laz", HAND, crs="EPSG:32633+5783")
    with pytest.raises(DataError, match="different vertical systems"):
        check_clouds([one, other], Stated())


@pytest.mark.parametrize("name", ["a.las", "a.laz"])
def test_a_truncated_cloud_is_an_error(tmp_path, name: str):
    path = write_cloud(tmp_path / name, terrain_points(30))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(DataError, match="copy it again"):
        gridded(tmp_path / "out", [path])


def test_pixels_finer_than_the_points_are_refused(tmp_path):
    cloud = write_cloud(tmp_path / "a.laz", terrain_points(48, per_pixel=1))
    with pytest.raises(DataError, match=r"pixels of 0\.25 m are finer .* 6% of them .* take pixels of 0\.85 m or more"):
        grid_clouds([cloud], tmp_path / "out", PointRules(), None, Stated(), pixel_m=0.25)
    with pytest.raises(DataError, match="no point lies on the grid"):
        gridded(tmp_path / "far", [cloud], grid=GRID.moved(5000, 0))
