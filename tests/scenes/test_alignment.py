"""Layers of any grid, resampled to that of the scene: known values, never a mixture with missing pixels."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_cases import NORTH, SIDE, UTM, WEST, deliver, prepare

MISSING = -9999.0
CLASSES = (0, 7)
# By turn, pixel size and position of the source: rotated rasters, finer and coarser, off by any part of a pixel.
PLACES = st.builds(
    lambda turn, side, east, north: (
        Affine.translation(WEST + SIDE / 2 + east, NORTH - SIDE / 2 + north)
        @ Affine.rotation(turn)
        @ Affine.scale(side, -side)
        @ Affine.translation(-60 / side, -60 / side)
    ),
    st.sampled_from([0.0, 17.0, 45.0, 90.0, 201.5]),
    st.sampled_from([0.4, 0.7, 1.0, 1.4, 3.0]),
    st.floats(-2, 2),
    st.floats(-2, 2),
)


def plane(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return heights that are linear in the map, which bilinear interpolation and means keep."""
    return 100 + 0.5 * (x - WEST) + 0.25 * (y - NORTH)


def centres(transform: Affine, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.indices(shape) + 0.5
    return transform @ (columns, rows)


def write_turned(path: Path, transform: Affine, values: np.ndarray, nodata: float | None = None, **profile) -> None:
    with rasterio.open(
        path, "w", driver="GTiff", count=len(values), height=values.shape[1], width=values.shape[2],
        dtype=values.dtype, crs=UTM, transform=transform, nodata=nodata, **profile,
    ) as out:  # fmt: skip
        out.write(values)


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as raster:
        return raster.read(masked=True)


@settings(max_examples=12, deadline=None)
@given(PLACES, st.integers(0, 2**31))
def test_heights_images_and_labels_keep_their_values(tmp_path_factory, transform: Affine, seed: int) -> None:
    folder, rng = tmp_path_factory.mktemp("aligned"), np.random.default_rng(seed)
    layers = deliver(folder / "raw")
    side = int(np.ceil(120 / np.sqrt(abs(transform.determinant))))
    x, y = centres(transform, (side, side))
    holes = rng.random((side, side)) < 0.1
    write_turned(
        folder / "raw/dsm.tif", transform, np.where(holes, MISSING, plane(x, y)).astype(np.float32)[None], MISSING
    )
    write_turned(
        folder / "raw/dtm.tif", transform, np.where(holes, MISSING, plane(x, y) - 4).astype(np.float32)[None], MISSING
    )
    labels = np.where(x + y > WEST + NORTH, *CLASSES[::-1]).astype(np.uint8)
    write_turned(folder / "raw/building.tif", transform, np.where(holes, 255, labels)[None], 255)
    for name in ("dsm", "dtm"):
        layers[name]["unit"] = "metre"
    scene = prepare(folder, layers)
    there = centres(scene.grid.transform, scene.grid.shape)
    found = read(scene.path("dsm"))[0]
    own = np.sqrt(abs(transform.determinant))
    # Between valid pixels bilinear is exact; beside a hole, and in a mean, the centre of the weights moves by a pixel.
    error = np.abs(found - plane(*there)).compressed()
    assert error.max() < 0.75 * max(1.5 * own, 1.5)
    assert 0.5 < len(error) / found.size <= 1
    marks = set(read(scene.path("building")).compressed().tolist())
    assert marks <= {0, 1}
    building = read(scene.path("building"))[0]
    far = np.abs(there[0] + there[1] - WEST - NORTH) > 2 * np.sqrt(2) * max(own, 1)
    assert (building == (there[0] + there[1] > WEST + NORTH))[far].all()


@pytest.mark.parametrize(("dtype", "valid", "missing"), [("uint8", 200, 0), ("uint16", 4095, 0), ("float32", 0.25, -1)])
@pytest.mark.parametrize("marked", ["nodata", "mask", "alpha"])
def test_an_image_is_never_mixed_with_missing_pixels(tmp_path, dtype: str, valid: float, missing: float, marked: str):
    """An image of one value, half of it missing, has that value wherever it is valid, at every position of the grid."""
    layers = deliver(tmp_path / "raw")
    transform = Affine.translation(WEST - 3.3, NORTH + 2.7) @ Affine.rotation(-20) @ Affine.scale(0.8, -0.8)
    image = np.full((3, 100, 100), valid, dtype)
    there = np.indices((100, 100)).sum(axis=0) % 40 < 30
    image[:, ~there] = missing
    options = {"photometric": "MINISBLACK"}
    if marked == "alpha":
        opaque = np.iinfo(dtype).max if dtype != "float32" else 1
        image = np.concatenate([image, (there * opaque)[None].astype(dtype)])
        options |= {"photometric": "RGB", "alpha": "yes"}  # otherwise the second band is alpha
    path = tmp_path / "raw/eo.tif"
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        write_turned(path, transform, image, missing if marked == "nodata" else None, **options)
        if marked == "mask":
            with rasterio.open(path, "r+") as out:
                out.write_mask(there)
    layers["eo"]["bands"] = ["red", "green", "blue"]
    found = read(prepare(tmp_path, layers, {"crs": UTM, "gsd_m": 0.7}).path("eo"))
    assert (found.compressed() == np.asarray(valid, dtype)).all()
    assert 0.3 < found.count() / found.size < 0.9
