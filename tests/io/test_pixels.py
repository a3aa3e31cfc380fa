"""Missing pixels of a raster are found, however they are marked."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from img2height.errors import DataError
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


def valid(path: Path, indexes: list[int], nodata: float | None = None) -> list[bool]:
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
def test_a_value_that_no_colour_has_is_missing_in_any_band(tmp_path, dtype, nodata, first, second, expected):
    path = raster(tmp_path / "a.tif", np.array([first, second], dtype), nodata)
    assert valid(path, [1, 2]) == expected


def test_bands_that_are_not_read_do_not_count(tmp_path):
    path = raster(tmp_path / "a.tif", np.array([[-9999, 1, -9999, 1], [-9999, -9999, 1, 1]], np.float32), -9999)
    assert valid(path, [1]) == [False, True, False, True]
    assert valid(path, [2]) == [False, False, True, True]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_alpha_of_every_type_counts(tmp_path, dtype):
    path = raster(tmp_path / "a.tif", np.array([[0, 5, 6, 7], [0, 255, 0, 255]], dtype), alpha=True)
    assert valid(path, [1]) == [False, True, False, True]


def test_alpha_counts_in_addition_to_nodata(tmp_path):
    path = raster(tmp_path / "a.tif", np.array([[0, 5, 6, 7], [255, 255, 0, 255]], np.uint8), nodata=0, alpha=True)
    assert valid(path, [1]) == [False, True, False, True]


def test_a_mask_counts_and_declared_nodata_replaces_that_of_the_file(tmp_path):
    values = np.array([[0, 5, 6, 7], [0, 5, 8, 9]], np.uint8)
    assert valid(raster(tmp_path / "a.tif", values, mask=[0, 255, 255, 255]), [1, 2]) == [False, True, True, True]
    assert valid(tmp_path / "a.tif", [1, 2], nodata=5) == [False, False, True, True]
    assert valid(raster(tmp_path / "b.tif", values, nodata=0), [1, 2], nodata=5) == [True, False, True, True]


def test_nan_and_infinite_values_are_missing_and_nothing_else_changes(tmp_path):
    values = np.array([[np.nan, np.inf, 1, -9999]], np.float32)
    path = raster(tmp_path / "a.tif", values)
    assert valid(path, [1]) == [False, False, True, True]
    with rasterio.open(path) as source:
        np.testing.assert_array_equal(read_pixels(source, [1]).values[0], values)


def test_a_decimated_pixel_is_the_mean_of_its_valid_pixels(tmp_path):
    floats = np.array([[-9999, -9999, 2, -9999], [-9999, 3, 4, 6]], np.float32)
    nodata = raster(tmp_path / "nodata.tif", floats, nodata=-9999)
    mask = raster(tmp_path / "mask.tif", np.array([[5, 5, 6, 8]], np.uint8), mask=[0, 0, 255, 0])
    alpha = raster(tmp_path / "alpha.tif", np.array([[5, 5, 6, 8], [0, 0, 255, 255]], np.uint8), alpha=True)
    for path, indexes, means in ((nodata, [1, 2], [2, 5]), (mask, [1], [6]), (alpha, [1], [7])):
        with rasterio.open(path) as source:
            found = read_pixels(source, indexes, shape=(1, 2))
        assert found.valid.tolist() == [[False, True]], path
        assert found.values[:, 0, 1].tolist() == means, path


@pytest.mark.parametrize("compress", ["LERC", "LERC_ZSTD"])
@pytest.mark.parametrize("nodata", [999.0, 9999.0, -9999.0])
def test_nodata_changed_by_lossy_compression_is_missing(tmp_path, compress, nodata):
    rng = np.random.default_rng(0)
    heights = (50 + 3 * rng.random((128, 128))).astype(np.float32)
    holes = rng.random(heights.shape) < 0.1
    heights[holes] = nodata
    profile = {"driver": "GTiff", "count": 1, "height": 128, "width": 128, "dtype": "float32", "nodata": nodata}
    path = tmp_path / "lerc.tif"
    with rasterio.open(path, "w", **profile, transform=Affine.scale(2, -2), compress=compress, max_z_error=0.1) as out:
        out.write(heights, 1)
    with rasterio.open(path) as source:
        assert (read_pixels(source, [1]).valid == ~holes).all()


def test_bands_of_several_types_are_one_line(tmp_path):
    for name, dtype in (("a", np.uint8), ("b", np.uint16)):
        raster(tmp_path / f"{name}.tif", np.ones((1, 4), dtype))
    place = "<GeoTransform>9, 2, 0, 9, 0, -2</GeoTransform>"
    bands = "".join(
        f'<VRTRasterBand dataType="{kind}" band="{band}"><SimpleSource><SourceFilename relativeToVRT="1">{name}.tif'
        "</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
        for band, (name, kind) in enumerate([("a", "Byte"), ("b", "UInt16")], 1)
    )
    (tmp_path / "both.vrt").write_text(f'<VRTDataset rasterXSize="4" rasterYSize="1">{place}{bands}</VRTDataset>')
    with rasterio.open(tmp_path / "both.vrt") as source, pytest.raises(DataError, match="data types uint16, uint8"):
        read_pixels(source, [1, 2])


@given(
    scale=st.sampled_from([1.0, 0.1, 0.01]), offset=st.sampled_from([0.0, 100.0, -20.0]),
    nodata=st.sampled_from([None, -32768, 7]), alpha=st.booleans(), tiled=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=40)
def test_the_same_image_in_any_form_gives_the_same_pixels(tmp_path_factory, scale, offset, nodata, alpha, tiled, seed):
    """Stored with scale, offset, nodata or alpha, or as plain values with a mask."""
    rng = np.random.default_rng(seed)
    stored, valid = rng.integers(8, 1000, (32, 32), np.int16), rng.random((32, 32)) < 0.8
    if nodata is None and not alpha:
        valid[:] = True
    elif not alpha:
        stored[~valid] = nodata
    folder = tmp_path_factory.mktemp("forms")
    profile = {"driver": "GTiff", "height": 32, "width": 32, "dtype": "int16", "transform": Affine.scale(2, -2)}
    blocks = {"tiled": True, "blockxsize": 16, "blockysize": 16} if tiled else {}
    with rasterio.open(folder / "stored.tif", "w", **profile, **blocks, count=1 + alpha, nodata=nodata) as out:
        out.scales, out.offsets = [scale] * (1 + alpha), [offset] * (1 + alpha)
        if alpha:
            out.colorinterp = [ColorInterp.gray, ColorInterp.alpha]
        out.write(np.stack([stored, np.where(valid, 255, 0)][: 1 + alpha]).astype(np.int16))
    with rasterio.open(folder / "stored.tif") as source:
        found = read_pixels(source, [1])
    assert (found.valid == valid).all()
    plain = stored if (scale, offset) == (1.0, 0.0) else (stored * scale + offset).astype(np.float32)
    assert (found.values[0][valid] == plain[valid]).all()
