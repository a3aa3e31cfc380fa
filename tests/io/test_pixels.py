"""Pixels of which a raster says nothing are known to be so, however the raster says it."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from img2height.io.pixels import read_pixels

WINDOW = Window(0, 0, 4, 1)


def raster(
    path: Path, bands: np.ndarray, nodata: float | None = None, alpha: bool = False, mask: list[int] | None = None
) -> Path:
    """Write bands of 4 pixels each; the second may be alpha."""
    profile = {"driver": "GTiff", "count": len(bands), "height": 1, "width": 4, "dtype": bands.dtype}
    with rasterio.open(path, "w", **profile, nodata=nodata, transform=Affine.scale(2, -2)) as out:
        if alpha:
            out.colorinterp = [ColorInterp.gray, ColorInterp.alpha]
        out.write(bands[:, None])
        if mask:
            out.write_mask(np.array([mask], np.uint8))
    return path


def known(path: Path, indexes: list[int], nodata: float | None = None) -> list[bool]:
    with rasterio.open(path) as source:
        return read_pixels(source, indexes, WINDOW, nodata).valid[0].tolist()


@pytest.mark.parametrize(
    ("dtype", "nodata", "first", "second", "expected"),
    [
        ("float32", -9999, [-9999, 1, -9999, 1], [-9999, -9999, 1, 1], [False, False, False, True]),
        ("float32", np.nan, [np.nan, 1, np.nan, 1], [np.nan, np.nan, 1, 1], [False, False, False, True]),
        ("float32", 0, [0, 1, 0, 1], [0, 0, 1, 1], [False, True, True, True]),
        ("int16", -32768, [-32768, 1, -32768, 1], [-32768, -32768, 1, 1], [False, False, False, True]),
        ("uint8", 0, [0, 1, 0, 1], [0, 0, 1, 1], [False, True, True, True]),
        ("uint8", 255, [255, 1, 255, 1], [255, 255, 1, 1], [False, True, True, True]),
        ("uint8", None, [0, 1, 0, 1], [0, 0, 1, 1], [True, True, True, True]),
    ],
)
def test_a_value_that_no_colour_has_is_unknown_in_any_band(tmp_path, dtype, nodata, first, second, expected):
    path = raster(tmp_path / "a.tif", np.array([first, second], dtype), nodata)
    assert known(path, [1, 2]) == expected


def test_bands_that_are_not_looked_at_do_not_count(tmp_path):
    path = raster(tmp_path / "a.tif", np.array([[-9999, 1, -9999, 1], [-9999, -9999, 1, 1]], np.float32), -9999)
    assert known(path, [1]) == [False, True, False, True]
    assert known(path, [2]) == [False, False, True, True]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_alpha_of_every_type_is_seen(tmp_path, dtype):
    path = raster(tmp_path / "a.tif", np.array([[0, 5, 6, 7], [0, 255, 0, 255]], dtype), alpha=True)
    assert known(path, [1]) == [False, True, False, True]


def test_alpha_counts_beside_nodata(tmp_path):
    path = raster(tmp_path / "a.tif", np.array([[0, 5, 6, 7], [255, 255, 0, 255]], np.uint8), nodata=0, alpha=True)
    assert known(path, [1]) == [False, True, False, True]


def test_a_mask_counts_and_declared_nodata_replaces_what_the_file_says(tmp_path):
    values = np.array([[0, 5, 6, 7], [0, 5, 8, 9]], np.uint8)
    assert known(raster(tmp_path / "a.tif", values, mask=[0, 255, 255, 255]), [1, 2]) == [False, True, True, True]
    assert known(tmp_path / "a.tif", [1, 2], nodata=5) == [False, False, True, True]
    assert known(raster(tmp_path / "b.tif", values, nodata=0), [1, 2], nodata=5) == [True, False, True, True]


def test_values_that_are_no_numbers_are_missing_and_nothing_else_changes(tmp_path):
    values = np.array([[np.nan, np.inf, 1, -9999]], np.float32)
    path = raster(tmp_path / "a.tif", values)
    assert known(path, [1]) == [False, False, True, True]
    with rasterio.open(path) as source:
        np.testing.assert_array_equal(read_pixels(source, [1]).values[0], values)
