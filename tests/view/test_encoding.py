import numpy as np
import pytest
from view_cases import decoded

from img2height.view.encoding import encoded_heights, encoded_picture, step_cm
from img2height.view.frame import TILE


def tile(low: float, high: float) -> np.ndarray:
    heights = np.random.default_rng(0).uniform(low, high, (TILE, TILE)).astype(np.float32)
    heights[::7, ::5] = np.nan
    return heights


@pytest.mark.parametrize(
    ("low", "high", "step"), [(0, 30, 1), (-12, 600, 1), (2200, 2800, 1), (0, 900, 2), (-400, 8800, 20)]
)
def test_heights_survive_to_half_a_step(low: float, high: float, step: int) -> None:
    heights = tile(low, high)
    made = encoded_heights(heights)
    assert made["step"] == step
    found = decoded(made)
    assert (np.isnan(found) == np.isnan(heights)).all()
    assert np.nanmax(np.abs(found - heights)) <= step / 200 + 1e-7 * high  # the precision of float32


def test_a_height_of_zero_is_not_missing() -> None:
    heights = np.full((TILE, TILE), np.nan, np.float32)
    heights[0, :2] = 0, 0.004
    found = decoded(encoded_heights(heights))
    assert found[0, :3].tolist()[:2] == [0, 0]
    assert np.isnan(found).sum() == TILE * TILE - 2


def test_a_tile_without_valid_pixels_has_no_data() -> None:
    assert encoded_heights(np.full((TILE, TILE), np.nan)) is None
    assert encoded_picture(np.zeros((TILE, TILE, 4), np.uint8)) is None


def test_steps_are_round_and_codes_suffice() -> None:
    for span in (0, 1, 65_000, 65_533, 65_534, 131_066, 131_067, 1e6, 1e9):
        step = step_cm(span)
        assert str(step).rstrip("0") in ("1", "2", "5")
        assert span / step <= 65_533
        assert step == 1 or span > 65_533


def test_pictures_are_webp_with_opacity() -> None:
    pixels = np.full((TILE, TILE, 4), 255, np.uint8)
    pixels[:100] = 0
    made = encoded_picture(pixels)
    assert made == encoded_picture(pixels)
    assert made["data"].startswith("UklGR")  # RIFF
