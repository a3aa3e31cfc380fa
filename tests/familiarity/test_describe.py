"""The numbers that describe a tile: known answers, and pixels that do not count."""

import numpy as np
import pytest
from familiarity_cases import tile

from img2height.familiarity.describe import LEAST_SHARE, describe, names_of


def numbers(image: np.ndarray, valid: np.ndarray | None = None) -> dict[tuple[str, str], float]:
    found = describe(image, np.ones(image.shape[1:], bool) if valid is None else valid)
    assert found is not None
    return dict(zip(names_of(["red", "nir"][: len(image)]), found.tolist(), strict=True))


def test_a_ramp_and_its_negative() -> None:
    """A column is 3 more than that before it, and rows are equal: the mean difference of neighbours is 3 and 0."""
    ramp = np.tile(np.arange(0, 300, 3), (100, 1))
    found = numbers(np.stack([ramp, 300 - ramp]).astype(np.uint16))
    assert found["mean", "red"] == 148.5
    assert found["contrast", "red"] == pytest.approx(3 * np.sqrt((100**2 - 1) / 12))
    assert (found["low end", "red"], found["high end", "nir"]) == pytest.approx((3 * 1.98, 300 - 3 * 1.98))
    assert (found["texture", "red"], found["sharpness", "red"]) == (1.5, 0)
    assert found["correlation", "red and nir"] == pytest.approx(-1)


def test_a_checkerboard_is_as_sharp_as_can_be() -> None:
    """Each of the four neighbours differs by 10: the mean difference is 10, that to all four together 40."""
    found = numbers(10.0 * (np.indices((8, 8)).sum(axis=0) % 2)[None])
    assert (found["texture", "red"], found["sharpness", "red"], found["contrast", "red"]) == (10, 40, 5)


def test_missing_pixels_do_not_count() -> None:
    image = tile(0).astype(np.float32)
    valid = np.zeros(image.shape[1:], bool)
    valid[:, :20] = True
    expected = describe(image[:, :, :20], np.ones((32, 20), bool))
    for filling in (np.nan, 1e9):
        assert describe(np.where(valid, image, np.float32(filling)), valid).tolist() == expected.tolist()


def test_a_constant_tile_has_numbers_and_too_few_pixels_have_none() -> None:
    constant = np.full((2, 8, 8), 7, np.uint8)
    found = describe(constant, np.ones((8, 8), bool))
    assert found.tolist() == [7, 0, 7, 7, 0, 0] * 2 + [0]
    few = np.arange(64).reshape(8, 8) < LEAST_SHARE * 64 - 1
    assert describe(constant, few) is None
    assert describe(constant, np.eye(8, dtype=bool)) is None
