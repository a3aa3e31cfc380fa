"""Classes of heights: merged until they have enough blocks, without margins beyond what was seen; the sealed file."""

import json
from pathlib import Path

import numpy as np
import pytest

from img2height.conformal.calibration import LEVELS, Calibration, calibrate, read_calibration, write_calibration
from img2height.conformal.margins import LEAST_BLOCKS, Errors
from img2height.errors import DataError

NOTHING = Errors(np.zeros(0, np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))


def errors(heights_m: dict[float, int], deviation: float = 0.1) -> Errors:
    """Return 50 errors around each height, which grow with it, in so many blocks."""
    rng = np.random.default_rng(0)
    height_m = np.concatenate([np.full(50 * blocks, height) for height, blocks in heights_m.items()])
    block = np.concatenate([np.repeat(np.arange(blocks), 50) for blocks in heights_m.values()])
    error_m = rng.normal(size=len(height_m)) * deviation * height_m
    return Errors(height_m.astype(np.float32), error_m.astype(np.float32), block)


def calibrated(pixels: Errors, buildings: Errors = NOTHING) -> Calibration:
    return calibrate(pixels, buildings, "a" * 64, ["demo/meadow"], 64.0)


def limits(calibration: Calibration) -> list[tuple[float | None, float | None]]:
    return [(each.low_m, each.high_m) for each in calibration.classes]


@pytest.mark.parametrize(
    ("heights_m", "expected"),
    [
        ({1: 30, 5: 30, 15: 30}, [(None, 3), (3, 10), (10, 15)]),
        ({1: 30, 5: 30, 15: 19}, [(None, 3), (3, 15)]),  # too few tall blocks: with the class below
        ({1: 30, 5: 19, 15: 30}, [(None, 10), (10, 15)]),
        ({1: 19, 5: 30, 15: 30}, [(None, 10), (10, 15)]),  # the lowest: with the class above
        ({1: 30}, [(None, 1)]),
        ({1: 5, 25: 5}, [(None, 25)]),
        ({}, []),
    ],
)
def test_neighbouring_classes_are_merged(heights_m: dict, expected: list) -> None:
    assert limits(calibrated(errors(heights_m) if heights_m else NOTHING)) == expected


def test_heights_get_the_margins_of_their_class_and_none_beyond_the_highest() -> None:
    found = calibrated(errors({1: 30, 15: 30}))
    low, tall, beyond, missing = found.pixel_margins(np.array([1, 15, 15.1, np.nan], np.float32), (4,), 0.9).T
    assert low.sum() * 10 < tall.sum()
    assert np.isnan([*beyond, *missing]).all()


def test_too_few_blocks_give_no_margins_anywhere() -> None:
    found = calibrated(errors({1: 5, 15: LEAST_BLOCKS - 1}))
    assert [each.margins for each in (*found.classes, found.everywhere)] == [[], []]
    assert np.isnan(found.pixel_margins(np.ones(3, np.float32), (3,), 0.9)).all()


def test_heights_without_ground_have_one_class() -> None:
    there = errors({1: 30, 15: 30})
    found = calibrated(Errors(np.full_like(there.height_m, np.nan), there.error_m, there.block))
    assert found.classes == []
    assert [margin.level for margin in found.everywhere.margins] == list(LEVELS)
    assert np.isfinite(found.pixel_margins(None, (2, 3), 0.9)).all()


def test_buildings_have_margins_of_their_own() -> None:
    found = calibrated(errors({1: 30, 15: 30}), errors({15: 30}, deviation=0.01))
    assert found.building_margins(np.array([12.0]), 0.9).sum() < found.pixel_margins(np.array([12.0]), (1,), 0.9).sum()


def test_a_file_is_read_back_and_an_altered_or_foreign_one_is_refused(tmp_path: Path) -> None:
    found, path = calibrated(errors({1: 30, 15: 30})), tmp_path / "calibration.json"
    write_calibration(found, path)
    assert read_calibration(path) == read_calibration(path, "a" * 64) == found
    with pytest.raises(DataError, match=r"is of weights with the .* digest a+, the model has b+; calibrate the model"):
        read_calibration(path, "b" * 64)
    path.write_text(path.read_text().replace('"count": 1500', '"count": 1501', 1))
    with pytest.raises(DataError, match="was altered"):
        read_calibration(path)
    path.write_text(json.dumps({"weights_sha256": "a"}))
    with pytest.raises(DataError, match="has no key"):
        read_calibration(path)
