"""Windows of all sensors as they lie in the rasters, and what a network is given of them."""

from pathlib import Path

import numpy as np
import pandas
import pytest
import rasterio
import torch
from affine import Affine
from conftest import grid_tiles
from rasterio.crs import CRS
from rasterio.windows import Window

from img2height.errors import DataError
from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, write_cog
from img2height.samples.augment import transform
from img2height.samples.dataset import SampleDataset, TileReader, fit_normalisation
from img2height.samples.normalise import Normalisation
from img2height.scenes.scene import Scene, SceneLayer
from img2height.vocabulary.layers import NODATA

PLACE = {"dataset": "demo", "scene": "district", "col_off": 40, "row_off": 70, "size_px": 64}
STEREO = {"dsm_initial": ["dsm"], "views": ["first", "second"]}
GRID = Grid(CRS.from_epsg(32633), Affine(1, 0, 500_000, 0, -1, 5_800_000), 32, 32)


def reader(scene: Scene, inputs: dict, target: str = "dsm") -> TileReader:
    return TileReader({(scene.dataset, scene.name): scene}, inputs, target)


def raster(scene: Scene, layer: str, bands: list[int]) -> np.ndarray:
    with rasterio.open(scene.path(layer)) as dataset:
        return dataset.read(bands, window=Window(PLACE["col_off"], PLACE["row_off"], 64, 64))


@pytest.mark.parametrize(("first", "second"), [(1, 2), (3, 1)])
def test_a_pair_is_read_in_its_order(district, first, second):
    tile = reader(district, STEREO).read({**PLACE, "first": first, "second": second})
    views = [raster(district, f"view_{number}", [1])[0] for number in (first, second)]
    np.testing.assert_array_equal(tile.images["views"], views)
    np.testing.assert_array_equal(tile.images["dsm_initial"], raster(district, "dsm_initial", [1]))
    np.testing.assert_array_equal(tile.heights_m, raster(district, "dsm", [1])[0])
    assert tile.known.all()


def test_one_view_and_radar_bands_in_the_order_asked_for(district):
    tile = reader(district, {"dsm_initial": ["dsm"], "views": ["first"]}).read({**PLACE, "first": 4})
    np.testing.assert_array_equal(tile.images["views"], raster(district, "view_4", [1]))
    tile = reader(district, {"sar": ["vv", "hh"]}, "ndsm").read(PLACE)
    np.testing.assert_array_equal(tile.images["sar"], raster(district, "sar", [4, 1]))
    assert tile.valids["sar"].all()


def test_no_more_rasters_are_open_than_allowed(district, monkeypatch):
    """A training on a thousand scenes would else run out of files."""
    monkeypatch.setattr("img2height.samples.dataset.MOST_OPEN", 2)
    few = reader(district, STEREO)
    for first, second in ((1, 2), (3, 1), (1, 2)):
        tile = few.read({**PLACE, "first": first, "second": second})
        assert len(few._open) == 2
        np.testing.assert_array_equal(tile.images["views"][0], raster(district, f"view_{first}", [1])[0])
        np.testing.assert_array_equal(tile.heights_m, raster(district, "dsm", [1])[0])


def test_building_heights_are_those_inside_footprints_and_nothing_outside(district):
    heights_m, there = raster(district, "ndsm", [1])[0], raster(district, "building", [1])[0] == 1
    tile = reader(district, {"eo": ["red"]}, "building_height").read(PLACE)
    np.testing.assert_array_equal(tile.heights_m, np.where(there, heights_m, 0))
    assert heights_m[~there].max() > 3  # trees


@pytest.mark.parametrize("layer", ["view_9", "ms"])
def test_a_layer_that_is_not_there_is_named_with_those_that_are(district, layer):
    inputs = {"ms": ["nir"]} if layer == "ms" else STEREO
    with pytest.raises(DataError, match=f"has no layer '{layer}'; it has .*view_4"):
        reader(district, inputs).read({**PLACE, "first": 1, "second": 9})


def test_a_patch_says_what_its_height_zero_stands_for(district):
    rows = pandas.DataFrame([{**PLACE, "first": 1, "second": 2, "transform": 5}])
    normalisation = Normalisation({"views": dict.fromkeys(STEREO["views"], (100.0, 20.0))}, "patch_centred", 0.0, 4.0)
    sample = SampleDataset(rows, reader(district, STEREO), normalisation)[0]
    initial, truth = raster(district, "dsm_initial", [1]), raster(district, "dsm", [1])
    offset_m = sample["offset_m"].item()
    assert sample["offset_m"].shape == (1, 1, 1)
    assert offset_m == pytest.approx(initial.mean(dtype=np.float64), rel=1e-6)
    assert sample["inputs"]["dsm_initial"].mean().item() == pytest.approx(0, abs=1e-5)
    for tensor, expected in ((sample["inputs"]["dsm_initial"], initial), (sample["height"], truth)):
        np.testing.assert_allclose(tensor.numpy() * 4 + offset_m, transform(expected, 5), atol=1e-3)
    views = np.concatenate([raster(district, f"view_{n}", [1]) for n in (1, 2)]).astype(float)
    np.testing.assert_allclose(sample["inputs"]["views"].numpy(), transform((views - 100) / 20, 5), atol=1e-5)
    assert sample["height"].dtype == sample["offset_m"].dtype == torch.float32


def small_scene(folder: Path, unknown: np.ndarray) -> Scene:
    """Return a scene whose views are a chess board of 10 and 20, 30 and 40, 250 and 251, and its surface one of 3 m."""
    board = np.indices(GRID.shape).sum(axis=0) % 2
    for number, values in enumerate([(10, 20), (30, 40), (250, 251)], 1):
        view = np.array(values, np.uint8)[board]
        view[unknown] = 255
        write_cog(folder / f"view_{number}.tif", view, GRID, [Band("pan")], valid=~unknown)
    surface = np.where(board == 1, 503, 497).astype(np.float32)
    for name in ("dsm", "dsm_initial"):
        write_cog(folder / f"{name}.tif", surface, GRID, [height_band("dsm")], nodata=NODATA)
    bands = {f"view_{n}": ["pan"] for n in (1, 2, 3)} | {"dsm": ["dsm"], "dsm_initial": ["dsm"]}
    layers = {name: SceneLayer.of(folder / f"{name}.tif", names) for name, names in bands.items()}
    return Scene(folder, "d", "s", GRID, layers, {})


def test_views_share_the_statistics_of_those_that_are_trained_on(tmp_path):
    unknown = np.zeros(GRID.shape, bool)
    unknown[:4] = True
    scene = small_scene(tmp_path, unknown)
    pairs = pandas.DataFrame({"first": [1, 2], "second": [2, 1]})
    tiles = grid_tiles(scene, 16, "train").merge(pairs, how="cross")
    fitted = fit_normalisation(tiles, reader(scene, STEREO), "patch_centred")
    assert fitted.image == {"views": dict.fromkeys(STEREO["views"], (25.0, pytest.approx(125**0.5)))}
    assert (fitted.mode, fitted.offset_m) == ("patch_centred", 0.0)
    assert fitted.scale_m == pytest.approx(3 * (256 / 255) ** 0.5)  # of a sample


def test_a_pixel_unknown_in_one_view_is_not_learnt_from(tmp_path):
    unknown = np.zeros(GRID.shape, bool)
    unknown[3, 5] = True
    scene = small_scene(tmp_path, unknown)
    row = {"dataset": "d", "scene": "s", "col_off": 0, "row_off": 0, "size_px": 32, "first": 1, "second": 3}
    fitted = fit_normalisation(pandas.DataFrame([row]), reader(scene, STEREO), "patch_centred")
    sample = SampleDataset(pandas.DataFrame([row]), reader(scene, STEREO), fitted)[0]
    assert np.argwhere(~sample["valid"][0].numpy()).tolist() == [[3, 5]]
    assert sample["inputs"]["views"][:, 3, 5].tolist() == [0, 0]
