"""Prediction from an initial surface model and views: heights centred in each window return to their level."""

from pathlib import Path

import numpy as np
import pandas
import pytest
import rasterio
import torch
from affine import Affine
from inference_cases import windows
from model_cases import card_of, sealed
from rasterio.crs import CRS
from torch import Tensor, nn

from img2height.errors import DataError, ModelError
from img2height.inference import predict_raster
from img2height.inference.defaults import inference_settings, protocol
from img2height.inference.given import given_scene
from img2height.inference.image import predict_image
from img2height.inference.inputs import open_inputs
from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, write_cog
from img2height.methods import build_network, recipes_folder
from img2height.models.folder import LoadedModel
from img2height.samples.normalise import Normalisation
from img2height.samples.reader import TileReader
from img2height.settings.project import load_recipe
from img2height.training.dataset import SampleDataset
from img2height.vocabulary.layers import NODATA

SHAPE = (150, 210)


def as_model(method: str, network: nn.Module | None = None) -> LoadedModel:
    """Return a model of a recipe; by default the network returns the initial surface model."""
    recipe = load_recipe(recipes_folder(), method, {"tile_multiple": 1})
    views = recipe.inputs.get("views", [])
    normalisation = Normalisation({"views": dict.fromkeys(views, (90.0, 30.0))}, "patch_centred", 0.0, 3.7)
    card = sealed(card_of(recipe, normalisation, dtypes={"dsm_initial": "float32", "views": "uint8"}))
    bands = {layer: len(names) for layer, names in recipe.inputs.items()}
    return LoadedModel(network or build_network("constant", bands, {"outer_skip": True}).eval(), card)


def grid(east: float = 500_000) -> Grid:
    return Grid(CRS.from_epsg(32633), Affine(0.5, 0, east, 0, -0.5, 5_800_000), SHAPE[1], SHAPE[0])


def surface() -> np.ndarray:
    """Return heights of 1800 to 2200 m with steps, float32."""
    rng = np.random.default_rng(3)
    return (2000 + np.kron(rng.normal(0, 60, (15, 21)), np.ones((10, 10))) + rng.normal(0, 1, SHAPE)).astype(np.float32)


def write_inputs(folder: Path, missing: np.ndarray, dtypes: tuple[str, ...] = ("uint8", "uint8")) -> dict:
    rng = np.random.default_rng(4)
    heights = np.where(missing, np.nan, surface())
    write_cog(folder / "dsm_initial.tif", heights, grid(), [height_band("dsm")], nodata=NODATA)
    for number, dtype in enumerate(dtypes, 1):
        write_cog(folder / f"view_{number}.tif", rng.integers(0, 255, SHAPE).astype(dtype), grid(), [Band("pan")])
    return {"dsm_initial": folder / "dsm_initial.tif", "views": [folder / f"view_{n}.tif" for n in (1, 2)]}


def predicted(path: Path) -> np.ndarray:
    with rasterio.open(path) as raster:
        assert raster.descriptions == ("dsm",)
        return raster.read(1)


@pytest.mark.parametrize("window_px", [32, 64, 256])
@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.5])
@pytest.mark.parametrize("islands", [False, True])
def test_the_initial_surface_is_returned_from_any_windows(tmp_path, window_px, overlap, islands):
    missing = np.zeros(SHAPE, bool)
    if islands:
        missing[20:90, 30:140] = missing[100:, 180:] = True
        missing[50:53, 60:70] = False  # valid pixels among missing ones
    inputs = write_inputs(tmp_path, missing)
    predict_raster(
        as_model("resdepth_stereo"),
        inputs,
        tmp_path / "out.tif",
        windows(window_px=window_px, overlap=overlap, batch_size=3),
    )
    found = predicted(tmp_path / "out.tif")
    assert (found[missing] == NODATA).all()
    np.testing.assert_allclose(found[~missing], surface()[~missing], rtol=1e-6)


class Doubled(nn.Module):
    """Twice the centred surface, and a view."""

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"height": 2 * inputs["dsm_initial"] + inputs["views"][:, 1:]}


def test_views_are_used_in_the_order_given(tmp_path):
    inputs = write_inputs(tmp_path, np.zeros(SHAPE, bool))
    with rasterio.open(inputs["views"][0]) as one, rasterio.open(inputs["views"][1]) as two:
        views = [(raster.read(1).astype(float) - 90) / 30 for raster in (one, two)]
    heights = surface().astype(float)
    for order, second in (((0, 1), views[1]), ((1, 0), views[0])):
        given = {**inputs, "views": [inputs["views"][n] for n in order]}
        predict_raster(
            as_model("resdepth_stereo", Doubled()), given, tmp_path / "out.tif", windows(window_px=256, overlap=0)
        )
        centre = np.pad(heights, ((0, 106), (0, 46)), "reflect").mean()
        expected = 2 * heights - centre + 3.7 * second
        np.testing.assert_allclose(predicted(tmp_path / "out.tif"), expected, atol=0.01)


def test_a_surface_of_other_pixels_is_resampled_in_metres(tmp_path):
    """A plane in feet with pixels of 1 m comes back in metres with the 0.5 m of the training."""
    coarse = Grid(grid().crs, grid().transform @ Affine.scale(2), 60, 50)
    plane_m = np.add.outer(0.5 * np.arange(50), 0.25 * np.arange(60)).astype(np.float32) + 300
    write_cog(tmp_path / "dsm.tif", plane_m / np.float32(0.3048), coarse, [Band("dsm", "foot")], nodata=NODATA)
    for number in (1, 2):
        write_cog(tmp_path / f"{number}.tif", np.ones((50, 60), np.uint8), coarse, [Band("pan")])
    given = {"dsm_initial": tmp_path / "dsm.tif", "views": [tmp_path / "1.tif", tmp_path / "2.tif"]}
    model = as_model("resdepth_stereo")
    settings = inference_settings(model, window_px=32)
    predict_image(model, given, tmp_path / "out.tif", settings, protocol().buildings, dsm_unit="foot")
    found = predicted(tmp_path / "out.tif")
    assert found.shape == (100, 120)
    expected = np.add.outer(0.25 * np.arange(100) - 0.125, 0.125 * np.arange(120) - 0.0625) + 300
    np.testing.assert_allclose(found[2:-2, 2:-2], expected[2:-2, 2:-2], atol=0.01)


def test_pixels_missing_in_a_view_are_missing(tmp_path):
    inputs = write_inputs(tmp_path, np.zeros(SHAPE, bool))
    valid = np.ones(SHAPE, bool)
    valid[40:60, 5:9] = False
    write_cog(inputs["views"][1], np.ones(SHAPE, np.uint8), grid(), [Band("pan")], valid=valid)
    predict_raster(as_model("resdepth_stereo"), inputs, tmp_path / "out.tif", windows(window_px=64))
    assert ((predicted(tmp_path / "out.tif") == NODATA) == ~valid).all()


@pytest.mark.parametrize(
    ("method", "given", "said"),
    [
        ("resdepth_stereo", 1, "needs 2 views, 1 were given"),
        ("resdepth_stereo", 0, "needs 2 views, 0 were given"),
        ("resdepth_mono", 2, "needs 1 views, 2 were given"),
    ],
)
def test_the_number_of_views_is_that_of_the_model(tmp_path, method, given, said):
    inputs = write_inputs(tmp_path, np.zeros(SHAPE, bool))
    inputs["views"] = inputs["views"][:given]
    with pytest.raises(ModelError, match=said):
        predict_raster(as_model(method), inputs, tmp_path / "out.tif", windows(window_px=64))
    assert not (tmp_path / "out.tif").exists()


def test_views_of_another_type_grid_or_place_are_refused(tmp_path):
    model = as_model("resdepth_stereo")
    inputs = write_inputs(tmp_path, np.zeros(SHAPE, bool), ("uint8", "uint16"))
    with pytest.raises(ModelError, match=r"view_2\.tif: its pixels are uint16, but the model was trained on uint8"):
        predict_raster(model, inputs, tmp_path / "out.tif", windows(window_px=64))
    write_cog(inputs["views"][1], np.ones(SHAPE, np.uint8), grid(500_000.25), [Band("pan")])
    with pytest.raises(ModelError, match="are on different pixel grids"):
        predict_raster(model, inputs, tmp_path / "out.tif", windows(window_px=64))
    inputs["views"][1].unlink()
    with pytest.raises(DataError, match=r"view_2\.tif: this raster does not exist"):
        predict_raster(model, inputs, tmp_path / "out.tif", windows(window_px=64))


def test_a_model_without_views_ignores_them(tmp_path):
    inputs = write_inputs(tmp_path, np.zeros(SHAPE, bool))
    model = as_model("resdepth_0")
    with open_inputs(model, given_scene(model.recipe.inputs, inputs)) as images:
        assert list(images.read(0, 0, 32).inputs) == ["dsm_initial"]


def test_prediction_inputs_equal_training_inputs(district):
    """The window of the dataset and that of prediction are the same numbers."""
    model = as_model("resdepth_stereo")
    place = {"dataset": "demo", "scene": "district", "col_off": 64, "row_off": 128, "size_px": 64}
    rows = pandas.DataFrame([{**place, "first": 2, "second": 3}])
    reader = TileReader({("demo", "district"): district}, model.recipe.inputs, "dsm")
    sample = SampleDataset(rows, reader, model.normalisation)[0]
    with open_inputs(model, district, [2, 3]) as images:
        window = images.read(128, 64, 64)
    assert window.offset_m == pytest.approx(sample["offset_m"].item(), rel=1e-6)
    assert list(window.inputs) == list(sample["inputs"])
    assert all(torch.equal(torch.from_numpy(window.inputs[layer]), sample["inputs"][layer]) for layer in window.inputs)
