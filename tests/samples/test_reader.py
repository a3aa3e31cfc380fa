"""Windows of all sensors as stored in the rasters, and their statistics."""

import numpy as np
import pandas
import pytest
from conftest import grid_tiles
from tile_cases import GRID, PLACE, STEREO, pixels, reader, view_scene

from img2height.errors import DataError
from img2height.samples.reader import TileReader, fit_normalisation


@pytest.mark.parametrize(("first", "second"), [(1, 2), (3, 1)])
def test_a_pair_is_read_in_its_order(district, first, second):
    tile = reader(district, STEREO).read({**PLACE, "first": first, "second": second})
    views = [pixels(district, f"view_{number}", [1])[0] for number in (first, second)]
    np.testing.assert_array_equal(tile.images["views"], views)
    np.testing.assert_array_equal(tile.images["dsm_initial"], pixels(district, "dsm_initial", [1]))
    np.testing.assert_array_equal(tile.heights_m, pixels(district, "dsm", [1])[0])
    assert tile.learnable.all()


def test_one_view_and_radar_bands_in_the_requested_order(district):
    tile = reader(district, {"dsm_initial": ["dsm"], "views": ["first"]}).read({**PLACE, "first": 4})
    np.testing.assert_array_equal(tile.images["views"], pixels(district, "view_4", [1]))
    tile = reader(district, {"sar": ["vv", "hh"]}, "ndsm").read(PLACE)
    np.testing.assert_array_equal(tile.images["sar"], pixels(district, "sar", [4, 1]))
    assert tile.valids["sar"].all()


def test_no_more_rasters_are_open_than_allowed(district, monkeypatch):
    """Otherwise a training on a thousand scenes would run out of files."""
    monkeypatch.setattr("img2height.samples.inputs.MOST_OPEN", 2)
    few = reader(district, STEREO)
    for first, second in ((1, 2), (3, 1), (1, 2)):
        tile = few.read({**PLACE, "first": first, "second": second})
        assert len(few.rasters._open) == 2
        np.testing.assert_array_equal(tile.images["views"][0], pixels(district, f"view_{first}", [1])[0])
        np.testing.assert_array_equal(tile.heights_m, pixels(district, "dsm", [1])[0])


def test_building_heights_are_those_inside_footprints_and_zero_outside(district):
    heights_m, there = pixels(district, "ndsm", [1])[0], pixels(district, "building", [1])[0] == 1
    tile = reader(district, {"eo": ["red"]}, "building_height").read(PLACE)
    np.testing.assert_array_equal(tile.heights_m, np.where(there, heights_m, 0))
    assert heights_m[~there].max() > 3  # trees


@pytest.mark.parametrize("layer", ["view_9", "ms"])
def test_a_missing_layer_is_named_with_the_available_ones(district, layer):
    inputs = {"ms": ["nir"]} if layer == "ms" else STEREO
    with pytest.raises(DataError, match=f"has no layer '{layer}'; it has .*view_4"):
        reader(district, inputs).read({**PLACE, "first": 1, "second": 9})


def test_an_optional_layer_without_a_valid_pixel_has_no_statistics_and_a_required_one_is_refused(tmp_path):
    scene = view_scene(tmp_path, np.ones(GRID.shape, bool))
    tiles = grid_tiles(scene, 16, "train").assign(first=1, second=2)
    tiles_of = TileReader({("d", "s"): scene}, STEREO, "dsm", optional=("views",))
    assert fit_normalisation(tiles, tiles_of, "minmax", "unit").image == {}
    for mode in ("unit", "zscore"):
        with pytest.raises(DataError, match="layer views has no valid pixel in the training tiles"):
            fit_normalisation(tiles, reader(scene, STEREO), "patch_centred", mode)


def test_views_share_the_statistics_of_those_that_are_trained_on(tmp_path):
    missing = np.zeros(GRID.shape, bool)
    missing[:4] = True
    scene = view_scene(tmp_path, missing)
    pairs = pandas.DataFrame({"first": [1, 2], "second": [2, 1]})
    tiles = grid_tiles(scene, 16, "train").merge(pairs, how="cross")
    fitted = fit_normalisation(tiles, reader(scene, STEREO), "patch_centred")
    assert fitted.image == {"views": dict.fromkeys(STEREO["views"], (25.0, pytest.approx(125**0.5)))}
    assert (fitted.mode, fitted.offset_m) == ("patch_centred", 0.0)
    assert fitted.scale_m == pytest.approx(3 * (256 / 255) ** 0.5)  # of a sample
