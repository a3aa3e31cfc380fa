"""A window read for training and the same window read for prediction have the same values."""

from pathlib import Path

import numpy as np
import pandas
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from inference_cases import FirstBand, as_model
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from img2height.inference.given import given_scene
from img2height.inference.inputs import open_inputs
from img2height.io.grid import Grid
from img2height.io.rasters import height_band, write_cog
from img2height.samples.reader import TileReader
from img2height.scenes.scene import Scene, SceneLayer
from img2height.training.dataset import SampleDataset
from img2height.vocabulary.layers import NODATA

SIDE = 40
GRID = Grid.north_up(CRS.from_epsg(32633), 500_000, 5_800_000, 0.5, (SIDE, SIDE))
BANDS = ["red", "green", "blue"]


@st.composite
def images(draw: st.DrawFn) -> dict:
    """Return how an image is stored, and its content."""
    dtype, count = draw(st.sampled_from(["uint8", "uint16", "int16", "float32"])), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = rng.integers(0, 4, (count, SIDE, SIDE)).astype(dtype)  # each value is often the nodata value
    if dtype == "float32" and draw(st.booleans()):
        values[rng.random(values.shape) < 0.1] = np.nan
    return {
        "values": values,
        "nodata": draw(st.sampled_from([None, 0, 1, *([np.nan, -9999.0] if dtype == "float32" else [])])),
        "mask": rng.random((SIDE, SIDE)) < 0.8 if draw(st.booleans()) else None,
        "alpha": (rng.random((SIDE, SIDE)) < 0.8).astype(dtype) if draw(st.booleans()) else None,
        "described": draw(st.booleans()),
        "tiled": draw(st.booleans()),
    }


def write(path: Path, image: dict) -> None:
    values, alpha = image["values"], image["alpha"]
    count, stored = len(values), values if alpha is None else np.concatenate([values, alpha[None]])
    blocks = {"tiled": True, "blockxsize": 16, "blockysize": 16} if image["tiled"] else {}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(
            path, "w", driver="GTiff", width=SIDE, height=SIDE, count=len(stored), dtype=stored.dtype, crs=GRID.crs,
            transform=GRID.transform, nodata=image["nodata"], **blocks,
        ) as out,
    ):  # fmt: skip
        out.colorinterp = [ColorInterp.gray] * count + [ColorInterp.alpha] * (alpha is not None)
        if image["described"]:
            out.descriptions = [*BANDS[:count], *[None] * (alpha is not None)]
        out.write(stored)
        if image["mask"] is not None:
            out.write_mask(image["mask"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scene")
    write_cog(path / "ndsm.tif", np.ones(GRID.shape, np.float32), GRID, [height_band("ndsm")], nodata=NODATA)
    return path


@settings(max_examples=60, deadline=None)
@given(image=images(), data=st.data())
def test_training_and_prediction_read_the_same(folder: Path, image: dict, data: st.DataObject) -> None:
    write(folder / "eo.tif", image)
    bands = BANDS[: len(image["values"])]
    model = as_model(FirstBand(), dtype=str(image["values"].dtype), scale=3.0, target="ndsm", inputs={"eo": bands})
    layers = {
        "eo": SceneLayer.of(folder / "eo.tif", [*bands, *[""] * (image["alpha"] is not None)]),
        "ndsm": SceneLayer.of(folder / "ndsm.tif", ["ndsm"]),
    }
    scene = Scene(folder, "d", "s", GRID, layers)
    size = data.draw(st.integers(1, SIDE))
    row, column = (data.draw(st.integers(0, SIDE - size)) for _ in range(2))
    place = {"dataset": "d", "scene": "s", "col_off": column, "row_off": row, "size_px": size}
    reader = TileReader({("d", "s"): scene}, model.recipe.inputs, "ndsm")
    tile = reader.read(place)
    sample = SampleDataset(pandas.DataFrame([place]), reader, model.normalisation)[0]
    left, width = data.draw(st.integers(0, column)), data.draw(st.integers(SIDE, SIDE + 20))
    for source in (scene, given_scene(model.recipe.inputs, {"eo": folder / "eo.tif"})):
        with open_inputs(model, source) as images:
            seen = images.read(row, column, size)
            rows = images.rows(Window(left, row, width, size))
            apart = images.normalise(rows.part(Window(column, row, size, size)))
        for window in (seen, apart):
            np.testing.assert_array_equal(window.inputs["eo"], sample["inputs"]["eo"].numpy())
            np.testing.assert_array_equal(window.valid, tile.valid)
            np.testing.assert_array_equal(window.valid, sample["valid"][0].numpy())
            assert window.offset_m == sample["offset_m"].item()
    reader.rasters.close()


@settings(max_examples=30, deadline=None)
@given(image=images(), size=st.integers(1, 64), row=st.integers(0, SIDE - 1), column=st.integers(0, SIDE - 1))
def test_pixels_beyond_the_image_are_reflected_with_their_validity(folder, image, size, row, column) -> None:
    write(folder / "beyond.tif", image)
    inputs = {"eo": BANDS[: len(image["values"])]}
    model = as_model(FirstBand(), dtype=str(image["values"].dtype), inputs=inputs)
    with open_inputs(model, given_scene(inputs, {"eo": folder / "beyond.tif"})) as images:
        found, whole = images.read(row, column, size), images.read(0, 0, SIDE)
    beyond = [(0, max(start + size - SIDE, 0)) for start in (row, column)]
    here = np.s_[row : row + size, column : column + size]
    np.testing.assert_array_equal(found.valid, np.pad(whole.valid[here], beyond, "reflect"))
    expected = np.pad(whole.inputs["eo"][:, *here], [(0, 0), *beyond], "reflect")
    np.testing.assert_array_equal(found.inputs["eo"], expected)
