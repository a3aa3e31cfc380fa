"""Colours of a sample, by pixels worked out by hand."""

import numpy as np

from img2height.samples.augment import CHANNEL_ORDERS, recolour

IMAGE = np.array([[[10]], [[20]], [[60]], [[5]]], np.uint8)
BANDS = ["nir", "red", "blue", "green"]


def test_channels_are_permuted_by_name_and_other_bands_stay():
    for number, order in enumerate(CHANNEL_ORDERS):
        changed = recolour(IMAGE, BANDS, {"channels": number})
        red, green, blue = (changed[BANDS.index(colour), 0, 0] for colour in ("red", "green", "blue"))
        assert (red, green, blue) == tuple((20, 5, 60)[place] for place in order)
        assert changed[0, 0, 0] == 10


def test_gray_is_the_mean_of_the_colours():
    changed = recolour(IMAGE, BANDS, {"gray": True})
    np.testing.assert_allclose(changed[:, 0, 0], [10, 85 / 3, 85 / 3, 85 / 3], rtol=1e-6)


def test_an_image_without_colours_and_a_plain_row_change_nothing():
    assert recolour(IMAGE, ["a", "b", "c", "d"], {"gray": True}) is IMAGE
    assert recolour(IMAGE, BANDS, {"channels": 0, "gray": False}) is IMAGE
