"""Pixels of which a raster says nothing are known to be so, however the raster says it."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from img2height.io.validity import known_pixels

WINDOW = Window(0, 0, 4, 1)


def raster(path: Path, bands: np.ndarray, nodata: float | None = None, alpha: bool = False) -> Path:
    """Write bands of 4 pixels each; the second may be alpha."""
    profile = {"driver": "GTiff", "count": len(bands), "height": 1, "width": 4, "dtype": bands.dtype}
    with rasterio.open(path, "w", **profile, nodata=nodata, transform=Affine.scale(2, -2)) as out:
        if alpha:
            out.colorinterp = [ColorInterp.gray, ColorInterp.alpha]
        out.write(bands[:, None])
    return path


def known(path: Path, indexes: list[int]) -> list[bool]:
    with rasterio.open(path) as source:
        return known_pixels(source, indexes, WINDOW)[0].tolist()


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
