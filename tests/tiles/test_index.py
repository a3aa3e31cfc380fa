import geopandas
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS

from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, write_cog
from img2height.io.tables import read_geotable, write_table
from img2height.scenes.scene import Scene, SceneLayer
from img2height.settings.protocol import Tiling
from img2height.tiles.index import index_tiles, tile_offsets
from img2height.vocabulary.layers import NODATA

TILING = Tiling(tile_px=16, stride_px=16, min_valid_share=0.5)


@given(st.integers(1, 300), st.integers(1, 64), st.integers(1, 64))
def test_tiles_cover_an_axis_and_stay_on_it(length, size, stride):
    offsets = tile_offsets(length, size, stride)
    assert offsets == sorted(set(offsets))
    if length < size:
        assert offsets == []
    else:
        assert offsets[0] == 0
        assert offsets[-1] == length - size
        assert max(np.diff(offsets), default=0) <= stride


@pytest.fixture
def scene(tmp_path):
    grid = Grid(CRS.from_epsg(32633), Affine(0.5, 0, 500_000, 0, -0.5, 5_800_000), 40, 32)
    heights = np.zeros((32, 40), np.float32)
    heights[:16, :16] = np.arange(256).reshape(16, 16)
    heights[:16, 16:32] = np.nan  # this tile is missing
    heights[16:, 0:4] = np.nan
    building = np.zeros((32, 40), np.uint8)
    building[:16, :8], building[0, 0] = 1, 255
    seen = np.ones((32, 40), bool)
    seen[16:, 4:6] = False
    write_cog(tmp_path / "eo.tif", np.full((1, 32, 40), 9, np.uint8), grid, [Band("red")], valid=seen)
    write_cog(tmp_path / "ndsm.tif", heights, grid, [height_band("ndsm")], nodata=NODATA)
    write_cog(tmp_path / "building.tif", building, grid, [Band("building")], nodata=255, categorical=True)
    layers = {name: SceneLayer.of(tmp_path / f"{name}.tif", [name]) for name in ("eo", "ndsm", "building")}
    return Scene(tmp_path, "d", "s", grid, layers)


def test_a_tile_has_the_statistics_of_its_pixels(scene):
    tiles = index_tiles(scene, TILING).set_index("tile_id")
    assert list(tiles.index[:2]) == ["d/s/000000_000000", "d/s/000000_000024"]  # the second one is missing
    first = tiles.loc["d/s/000000_000000"]
    assert first["valid_share"] == 1
    assert first["building_share"] == pytest.approx(127 / 255)
    assert first["height_p50_m"] == 127.5
    assert first["height_p90_m"] == pytest.approx(229.5)
    assert (
        tiles.loc["d/s/000016_000000", "valid_share"] == 10 / 16
    )  # heights are missing in 4 columns, the image in 2 more
    assert first.geometry.bounds == (500_000, 5_799_992, 500_008, 5_800_000)
    assert tiles.crs.to_epsg() == 32633


def test_without_masks_and_heights_the_image_alone_counts(scene):
    del scene.layers["building"], scene.layers["ndsm"]
    tiles = index_tiles(scene, TILING)
    assert len(tiles) == 6
    assert tiles[["building_share", "height_p50_m"]].isna().all(axis=None)
    assert tiles["valid_share"].min() == 14 / 16


def test_a_scene_smaller_than_a_tile_has_an_empty_table_with_all_columns(scene, tmp_path):
    none = index_tiles(scene, Tiling(tile_px=48, stride_px=48, min_valid_share=0))
    some = index_tiles(scene, TILING)
    write_table(none, tmp_path / "none.parquet")
    again = read_geotable(tmp_path / "none.parquet")
    assert len(again) == 0
    assert list(again.columns) == list(some.columns)
    assert (none.dtypes == some.dtypes).all()


def test_the_same_scene_gives_the_same_bytes(scene, tmp_path):
    for name in ("a", "b"):
        write_table(index_tiles(scene, TILING), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert isinstance(read_geotable(tmp_path / "a"), geopandas.GeoDataFrame)
    assert shapely.is_valid(read_geotable(tmp_path / "a").geometry).all()
