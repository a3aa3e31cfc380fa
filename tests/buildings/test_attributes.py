import numpy as np
import pytest

from img2height.buildings.attributes import MEAN, MEASURED, eroded, measure
from img2height.vocabulary.layers import NODATA


def house(rows: int = 6, columns: int = 6, height: float = 8.0) -> tuple[np.ndarray, np.ndarray]:
    """A house in the middle of a lawn, with walls that show a mixture of roof and lawn."""
    labels = np.zeros((rows + 4, columns + 4), np.int32)
    labels[2:-2, 2:-2] = 1
    heights = np.where(labels > 0, np.where(eroded(labels) > 0, height, height / 2), 0.0)
    return labels, heights


def test_height_terrain_and_roof_come_from_the_same_pixels():
    labels, heights = house()
    heights[3, 3] = 20.0  # a chimney
    terrain = np.full(labels.shape, 100.0)
    terrain[4, 4] = 130.0
    heights[5, 5] = NODATA
    row = measure(labels, 1, heights, 1.0, terrain).loc[1]
    assert (row.height_m, row.height_pixels, row.ground_m, row.roof_m) == (8, 15, 100, 108)
    assert (row.height_p50_m, row.height_max_m, row.height_spread_m) == (4, 20, 0)
    assert row[MEAN] == pytest.approx((20 * 4 + 14 * 8 + 20) / 35)
    assert np.isnan(row.probability)


def test_spread_is_the_scaled_median_absolute_deviation():
    labels, heights = house(5, 5)
    heights[3:6, 3:6] = [[5, 6, 7], [8, 9, 10], [11, 12, 13]]
    row = measure(labels, 1, heights, 1.0).loc[1]
    assert (row.height_m, row.height_spread_m) == (9, pytest.approx(1.4826 * 2))


def test_too_few_pixels_are_no_measurement():
    labels, heights = house(3, 5)
    row = measure(labels, 1, heights, 1.0).loc[1]
    assert row[["height_m", "height_spread_m", "ground_m", "roof_m"]].isna().all()
    assert (row.height_pixels, row.height_p50_m, row.height_max_m) == (3, 4, 8)


def test_missing_heights_give_missing_values():
    labels, heights = house()
    row = measure(labels, 2, np.full_like(heights, np.nan), 1.0, heights, np.full_like(heights, 0.75))
    assert row.loc[1].drop(["height_pixels", "probability"]).isna().all()
    assert (row.loc[1].height_pixels, row.loc[1].probability) == (0, 0.75)
    assert row.loc[2].drop("height_pixels").isna().all()
    assert list(row.columns) == [*MEASURED, MEAN]


def test_houses_that_share_a_wall_are_measured_apart():
    labels = np.zeros((12, 20), np.int32)
    labels[1:11, 1:10], labels[1:11, 10:19] = 1, 2
    heights = np.choose(labels, [0.0, 6.0, 7.5])
    heights[:, 10] = 6.75  # the step, blurred
    assert measure(labels, 2, heights, 0.5).height_m.tolist() == [6, 7.5]
    assert (eroded(labels)[:, 9:11] == 0).all()
