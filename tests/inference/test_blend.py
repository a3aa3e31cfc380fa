import numpy as np

from img2height.inference.blend import Blend
from img2height.io.grid import BLOCK_PX


def test_it_holds_the_rows_of_one_window_and_releases_finished_ones() -> None:
    blend, out = Blend(0, 10, 8, 8), {}
    for row in range(0, 20_000, 4):
        out.update(dict(blend.finished(row)))
        blend.add(10, np.full((1, 8, 8), row, np.float32), np.full((8, 8), 0.5), np.ones((8, 8), bool))
    assert blend.sums.shape == (8, 1, 8)
    assert sorted(out) == list(range(0, 19_996, 4))
    assert (out[512][:, 0] == (508 + 512) / 2).all()


def test_rows_that_no_window_reaches_are_missing_and_no_piece_crosses_a_row_of_blocks() -> None:
    blend = Blend(500, 0, 4, 100)
    pieces = list(blend.finished(700))
    blend.add(0, np.ones((1, 100, 4)), np.ones((100, 4)), np.eye(100, 4, dtype=bool))
    pieces += blend.finished(1030)
    tops = [top for top, _ in pieces]
    ends = [top + len(values) for top, values in pieces]
    assert tops == [500, *ends[:-1]]
    assert ends[-1] == 1030
    assert {BLOCK_PX, 2 * BLOCK_PX} <= set(tops)
    values = np.concatenate([values for _, values in pieces])[:, 0]  # rows x columns
    assert np.argwhere(np.isfinite(values)).tolist() == [[200 + n, n] for n in range(4)]
    assert values.dtype == np.float32
