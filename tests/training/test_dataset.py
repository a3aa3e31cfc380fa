"""The inputs of a network from the rasters."""

import numpy as np
import pandas
import pytest
import torch
from tile_cases import GRID, PLACE, STEREO, pixels, reader, view_scene

from img2height.samples.augment import transform
from img2height.samples.normalise import Normalisation
from img2height.samples.reader import TileReader, fit_normalisation
from img2height.training.dataset import SampleDataset


def test_a_patch_records_the_metres_at_its_height_zero(district):
    rows = pandas.DataFrame([{**PLACE, "first": 1, "second": 2, "transform": 5}])
    normalisation = Normalisation({"views": dict.fromkeys(STEREO["views"], (100.0, 20.0))}, "patch_centred", 0.0, 4.0)
    sample = SampleDataset(rows, reader(district, STEREO), normalisation)[0]
    initial, truth = pixels(district, "dsm_initial", [1]), pixels(district, "dsm", [1])
    offset_m = sample["offset_m"].item()
    assert sample["offset_m"].shape == (1, 1, 1)
    assert offset_m == pytest.approx(initial.mean(dtype=np.float64), rel=1e-6)
    assert sample["inputs"]["dsm_initial"].mean().item() == pytest.approx(0, abs=1e-5)
    for tensor, expected in ((sample["inputs"]["dsm_initial"], initial), (sample["height"], truth)):
        np.testing.assert_allclose(tensor.numpy() * 4 + offset_m, transform(expected, 5), atol=1e-3)
    views = np.concatenate([pixels(district, f"view_{n}", [1]) for n in (1, 2)]).astype(float)
    np.testing.assert_allclose(sample["inputs"]["views"].numpy(), transform((views - 100) / 20, 5), atol=1e-5)
    assert sample["height"].dtype == sample["offset_m"].dtype == torch.float32


def test_a_pixel_missing_in_one_view_is_not_learnt_from(tmp_path):
    missing = np.zeros(GRID.shape, bool)
    missing[3, 5] = True
    scene = view_scene(tmp_path, missing)
    row = {"dataset": "d", "scene": "s", "col_off": 0, "row_off": 0, "size_px": 32, "first": 1, "second": 3}
    fitted = fit_normalisation(pandas.DataFrame([row]), reader(scene, STEREO), "patch_centred")
    sample = SampleDataset(pandas.DataFrame([row]), reader(scene, STEREO), fitted)[0]
    assert np.argwhere(~sample["valid"][0].numpy()).tolist() == [[3, 5]]
    assert sample["inputs"]["views"][:, 3, 5].tolist() == [0, 0]


def test_optional_layers_that_are_absent_or_left_out_are_nan(district):
    inputs = {"eo": ["red", "green", "blue"], "ms": ["nir"], "dsm_initial": ["dsm"], "views": ["first", "second"]}
    tiles = TileReader({("demo", "district"): district}, inputs, "ndsm", optional=tuple(inputs))
    rows = pandas.DataFrame([{**PLACE, "first": 1, "second": 2, "without": ""}])
    normalisation = fit_normalisation(rows, tiles, "minmax")
    assert sorted(normalisation.image) == ["eo", "views"]  # no scene has a multispectral image
    unpaired, dropped = rows.assign(first=0, second=0), rows.assign(without="eo views")
    for table, missing in ((rows, {"ms"}), (unpaired, {"ms", "views"}), (dropped, {"ms", "eo", "views"})):
        sample = SampleDataset(table, tiles, normalisation)[0]
        assert {layer for layer, x in sample["inputs"].items() if x.isnan().all()} == missing
        assert {layer: len(x) for layer, x in sample["inputs"].items()} == {
            n: len(bands) for n, bands in inputs.items()
        }
        assert sample["valid"].all()


def test_layers_that_are_not_used_are_nan_though_the_scene_has_them(district):
    inputs = {"eo": ["red", "green", "blue"], "sar": ["vv"]}
    rows = pandas.DataFrame([{**PLACE, "without": "eo"}, {**PLACE, "without": ""}])
    tiles = TileReader({("demo", "district"): district}, inputs, "ndsm", optional=tuple(inputs), unused=["sar"])
    dataset = SampleDataset(rows, tiles, fit_normalisation(rows[1:], tiles, "minmax"))
    for sample, valid in zip(dataset, (False, True), strict=True):
        assert sample["inputs"]["sar"].isnan().all()
        assert (sample["valid"] == valid).all()


def test_a_pixel_is_valid_if_one_optional_layer_is(tmp_path):
    missing = np.zeros(GRID.shape, bool)
    missing[3, 5] = True
    scene = view_scene(tmp_path, missing)
    row = {"dataset": "d", "scene": "s", "col_off": 0, "row_off": 0, "size_px": 32, "first": 1, "second": 3}
    for optional, invalid in ((("dsm_initial",), [[3, 5]]), (("views",), []), (("views", "dsm_initial"), [])):
        tiles = TileReader({("d", "s"): scene}, STEREO, "dsm", optional=optional)
        assert np.argwhere(~tiles.read(row).valid).tolist() == invalid
    assert np.argwhere(~tiles.read({**row, "without": "dsm_initial"}).valid).tolist() == [[3, 5]]
