"""Pictures of layers, by pixels worked out by hand."""

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.figure import Figure

from img2height.colours import HEIGHT_COLOURS
from img2height.picture import FILLED, FILLED_SHARE, anaglyph, composites, draw_look, limits_m, relief

SHAPE = (20, 20)
VALID = np.ones(SHAPE, bool)
RAMP = np.linspace(0, 1, 400, dtype=np.float32).reshape(SHAPE)


def test_colours_are_found_by_name_and_eight_bits_are_unchanged():
    pixels = np.stack([np.full(SHAPE, value, np.uint8) for value in (30, 20, 10, 40)])
    shown = composites(["blue", "green", "red", "nir"], pixels, VALID)
    assert list(shown) == ["red, green, blue", "near infrared, red, green"]
    assert shown["red, green, blue"][0, 0].tolist() == [10, 20, 30]
    assert shown["near infrared, red, green"][0, 0].tolist() == [40, 10, 20]


@pytest.mark.parametrize(
    ("bands", "name"),
    [
        (["hh", "hv", "vh", "vv"], "HH, HV, VV"),
        (["vv", "vh"], "VV, VH, VV/VH"),
        (["hh", "hv"], "HH, HV, HH/HV"),
        (["vv"], "grey"),
        (["pan"], "grey"),
    ],
)
def test_a_radar_is_shown_by_its_polarisations(bands: list[str], name: str):
    pixels = np.stack([RAMP * (1 + index) - 20 for index in range(len(bands))])
    assert list(composites(bands, pixels, VALID)) == [name]


def test_the_third_colour_of_two_polarisations_is_their_ratio():
    pixels = np.stack([RAMP, 3 * RAMP])
    shown = composites(["vv", "vh"], pixels, VALID)["VV, VH, VV/VH"]
    assert shown[0, 0].tolist() == [0, 0, 255] and shown[-1, -1].tolist() == [255, 255, 0]


def test_decibels_are_stretched_between_percentiles_and_missing_is_black():
    pixels, valid = np.repeat(RAMP[None] * 30 - 25, 4, axis=0), VALID.copy()
    pixels[:, :, -1], valid[:, -1] = np.nan, False
    shown = composites(["hh", "hv", "vh", "vv"], pixels, valid)["HH, HV, VV"]
    assert (shown[:, -1] == 0).all()
    assert (shown[0, :5] == 0).all() and (shown[-1, -6:-1] == 255).all() and 100 < shown[10, 0, 0] < 155


def test_first_view_is_red_second_is_cyan():
    shown = anaglyph(RAMP, RAMP.T, VALID)
    assert shown[-1, 0].tolist() == [shown[-1, 0, 0], *[shown[0, -1, 0]] * 2]
    assert shown[-1, 0, 0] > 200 and (shown[-1, 0, 1:] < 20).all()
    assert shown[0, -1, 0] < 20 and (shown[0, -1, 1:] > 200).all()
    same = anaglyph(RAMP, 50 + 3 * RAMP, VALID).astype(int)
    assert np.ptp(same, axis=2).max() <= 1, "what did not move is grey, however bright each view is"


def test_flat_ground_has_the_colour_of_its_height():
    expected = np.array(colormaps[HEIGHT_COLOURS](0.5)[:3]) * 255
    assert np.abs(relief(np.full(SHAPE, 5.0), (0, 10), 1.0) - expected).max() <= 1


@pytest.mark.parametrize(("down", "right", "lit"), [(0, 1, True), (1, 0, True), (0, -1, False), (-1, 0, False)])
def test_the_light_comes_from_the_north_west(down: int, right: int, lit: bool):
    rows, columns = np.mgrid[:20, :20]
    slope = 0.5 * (down * rows + right * columns)  # rises to the south or east: faces north or west
    middle = slope[10, 10]
    shown = relief(slope, (middle - 50, middle + 50), 1.0)[10, 10].astype(int)
    flat = relief(np.full(SHAPE, middle), (middle - 50, middle + 50), 1.0)[10, 10].astype(int)
    assert (shown.sum() > flat.sum()) == lit and shown.sum() != flat.sum()


def test_shading_depends_on_the_pixel_size():
    slope = np.tile(np.arange(20.0), (20, 1))
    steep, gentle = (relief(slope, (0, 20), gsd_m)[10, 10].astype(int).sum() for gsd_m in (1.0, 100.0))
    assert steep > gentle


def test_missing_is_black_and_filled_is_tinted():
    heights, filled = np.full(SHAPE, 5.0), np.zeros(SHAPE, bool)
    heights[0, 0], filled[10, 10] = np.nan, True
    shown = relief(heights, (0, 10), 1.0, filled)
    colour = np.array(colormaps[HEIGHT_COLOURS](0.5)[:3]) * 255
    assert shown[0, 0].tolist() == [0, 0, 0]
    expected = FILLED_SHARE * np.array(FILLED) + (1 - FILLED_SHARE) * colour
    assert np.abs(shown[10, 10] - expected).max() <= 1


def test_limits_ignore_rare_and_missing_heights():
    heights = np.append(np.linspace(0, 10, 1000), [np.nan, 1e6])
    low, high = limits_m(heights)
    assert 0 < low < 0.1 and 9.9 < high < 10.1
    assert limits_m(np.full(3, np.nan)) == (0.0, 1.0)


@pytest.mark.parametrize(("azimuth", "right", "up"), [(180, 0, 1), (0, 0, -1), (90, -1, 0), (270, 1, 0)])
def test_the_arrow_goes_from_the_sensor_to_the_ground(azimuth: float, right: int, up: int):
    axes = Figure().subplots()
    draw_look(axes, azimuth, 10)
    arrow = axes.texts[0]
    assert np.sign(np.round(np.subtract(arrow.xy, arrow.xyann), 9)).tolist() == [right, up]
