"""The scores of two methods tile by tile: known answers on made-up tiles."""

import numpy as np
import pandas
import pytest

from img2height.errors import DataError
from img2height.published.scatter import draw, pair_tiles, summarise, to_markdown
from img2height.published.table import Figure
from img2height.scoring.tiles import COLUMNS
from img2height.settings.parsing import parse

FIGURE = parse(
    Figure,
    {"title": "A paper, Fig. 9", "source": "Nobody (1999)", "across": "old", "up": "new", "scores": ["mse_m2", "ssim"]},
    "figure",
)


def tiles(mse_m2: list[float], ssim: list[float]) -> pandas.DataFrame:
    count = len(mse_m2)
    frame = pandas.DataFrame({name: np.zeros(count) for name in COLUMNS})
    frame = frame.assign(
        dataset="demo", scene="south", col_off=64 * np.arange(count), stratum="all", pixels=10, reference_pixels=10
    )
    frame = frame.assign(square_sum_m2=10 * np.array(mse_m2), ssim=ssim)
    return pandas.concat([frame, frame.assign(stratum="terrain")], ignore_index=True)


def test_tiles_are_paired_and_counted():
    old, new = tiles([4.0, 9.0, 1.0, 4.0], [0.5, 0.5, 0.5, np.nan]), tiles([1.0, 4.0, 4.0, 1.0], [0.6, 0.4, 0.7, 0.9])
    pairs = pair_tiles(FIGURE, old, new.sample(frac=1, random_state=0))
    assert pairs[pairs.score == "mse_m2"].across.tolist() == [4.0, 9.0, 1.0, 4.0]
    assert pairs[pairs.score == "mse_m2"].up.tolist() == [1.0, 4.0, 4.0, 1.0]
    table = summarise(FIGURE, pairs)
    assert table.tiles.tolist() == [4, 3]  # the last tile has no SSIM of the old method
    assert table["tiles where new is better"].tolist() == pytest.approx([3 / 4, 2 / 3])
    assert table["median old"].tolist() == [4.0, 0.5]
    assert "| MSE (m²) |" in to_markdown(FIGURE, table, ["note"])


def test_the_figure_has_a_point_per_tile():
    pairs = pair_tiles(FIGURE, tiles([4.0, 9.0], [0.1, 0.2]), tiles([1.0, 4.0], [0.3, 0.1]))
    drawing = draw(FIGURE, pairs)
    offsets = [axes.collections[0].get_offsets().tolist() for axes in drawing.axes]
    assert offsets == [[[4.0, 1.0], [9.0, 4.0]], [[0.1, 0.3], [0.2, 0.1]]]


def test_other_tiles_are_refused():
    with pytest.raises(DataError, match="old was scored on 2 tiles, new on 1, and they differ"):
        pair_tiles(FIGURE, tiles([4.0, 9.0], [0.1, 0.2]), tiles([1.0], [0.3]))
