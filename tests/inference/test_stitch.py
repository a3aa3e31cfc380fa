from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

from img2height.errors import DataError
from img2height.inference.stitch import merge_pairs, mosaic_folds
from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, write_cog
from img2height.vocabulary.layers import NODATA

GRID = Grid(CRS.from_epsg(32633), Affine(0.5, 0, 500_000, 0, -0.5, 5_800_000), 700, 600)
HEIGHTS = np.random.default_rng(7).normal(5, 3, GRID.shape).astype(np.float32)


def write(path: Path, heights: np.ndarray, grid: Grid = GRID, quantity: str = "ndsm") -> Path:
    write_cog(path, heights, grid, [height_band(quantity)], nodata=NODATA)
    return path


def test_a_mosaic_joins_folds_and_keeps_zero_metres(tmp_path: Path) -> None:
    left, right = (np.full(GRID.shape, np.nan, np.float32) for _ in range(2))
    left[:, :200] = 0
    right[:, 200:650] = HEIGHTS[:, 200:650]
    folds = [write(tmp_path / f"{n}.tif", heights) for n, heights in enumerate((left, right))]
    mosaic_folds(folds, GRID, tmp_path / "mosaic.tif")
    mosaic_folds(folds[::-1], GRID, tmp_path / "again.tif")
    with rasterio.open(tmp_path / "mosaic.tif") as out:
        heights = out.read(1)
    assert (heights[:, :200] == 0).all()
    assert (heights[:, 200:650] == HEIGHTS[:, 200:650]).all()
    assert (heights[:, 650:] == NODATA).all()
    assert (tmp_path / "mosaic.tif").read_bytes() == (tmp_path / "again.tif").read_bytes()


def test_probabilities_of_several_classes_are_joined_together(tmp_path: Path) -> None:
    bands = [Band("building_probability", "1"), Band("wall_probability", "1")]
    halves = np.full((2, 2, *GRID.shape), np.nan, np.float32)
    halves[0, :, :, :200], halves[1, :, :, 200:] = 0.25, 0.75
    halves[:, 1] /= 2
    folds = [tmp_path / f"{n}.tif" for n in range(2)]
    for path, half in zip(folds, halves, strict=True):
        write_cog(path, half, GRID, bands, nodata=NODATA)
    mosaic_folds(folds, GRID, tmp_path / "mosaic.tif")
    with rasterio.open(tmp_path / "mosaic.tif") as out:
        assert out.descriptions == ("building_probability", "wall_probability")
        assert (out.read() == np.fmax(*halves)).all()


def test_folds_that_share_a_pixel_or_differ_in_grid_or_quantity_are_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.tif", HEIGHTS)
    with pytest.raises(DataError, match="predict the same pixels"):
        mosaic_folds([whole, whole], GRID, tmp_path / "out.tif")
    surface = write(tmp_path / "surface.tif", HEIGHTS, quantity="dsm")
    with pytest.raises(DataError, match="different quantities"):
        mosaic_folds([whole, surface], GRID, tmp_path / "out.tif")
    moved = Grid(GRID.crs, GRID.transform @ Affine.translation(1, 0), GRID.width, GRID.height)
    with pytest.raises(DataError, match="grid of its scene"):
        mosaic_folds([whole], moved, tmp_path / "out.tif")
    assert not (tmp_path / "out.tif").exists()


def test_pairs_are_merged_by_their_median_and_missing_only_where_all_are(tmp_path: Path) -> None:
    stack = np.stack([HEIGHTS, HEIGHTS + 3, HEIGHTS - 1])
    stack[0, :100], stack[1, :50], stack[2, :25] = np.nan, np.nan, np.nan
    stack[:, 300:310] = 0
    stack[1:, 320:330], stack[0, 320:330] = np.nan, 0
    pairs = [write(tmp_path / f"{n}.tif", heights, quantity="dsm") for n, heights in enumerate(stack)]
    merge_pairs(pairs, GRID, tmp_path / "height.tif")
    with rasterio.open(tmp_path / "height.tif") as out:
        assert (out.units, out.descriptions, out.nodata) == (("metre",), ("dsm",), NODATA)
        merged = out.read(1)
    assert (merged[:25] == NODATA).all()
    assert (merged[25:50] == stack[2, 25:50]).all()  # one pair is valid
    np.testing.assert_allclose(merged[50:100], stack[1:, 50:100].mean(axis=0), rtol=1e-6)
    assert (merged[100:300] == HEIGHTS[100:300]).all()
    assert (merged[300:310] == 0).all() and (merged[320:330] == 0).all()
    merge_pairs(pairs[::-1], GRID, tmp_path / "again.tif")
    assert (tmp_path / "again.tif").read_bytes() == (tmp_path / "height.tif").read_bytes()
    with pytest.raises(DataError, match="different quantities"):
        merge_pairs([pairs[0], write(tmp_path / "ndsm.tif", HEIGHTS)], GRID, tmp_path / "out.tif")
    assert not (tmp_path / "out.tif").exists()
