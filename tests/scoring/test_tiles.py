import numpy as np
import pandas
import pytest

from img2height.errors import DataError
from img2height.io.tables import write_table
from img2height.metrics import ConfusionStatistics, ErrorStatistics
from img2height.metrics.coarse import COARSE_BINS, COARSE_EDGES_M, CoarseQuantiles, coarse_bins
from img2height.metrics.statistics import float_sums
from img2height.scoring.tiles import per_image_scores, read_tiles, scores_of_sums, tile_scores, tile_sums

RNG = np.random.default_rng([9])
SIZE = 40


def row(prediction, reference, stratum="all", ssim=np.nan, masks=(0, 0, 0, 0)) -> dict:
    statistics = ErrorStatistics.from_arrays(prediction, reference)
    bins = np.bincount(coarse_bins((prediction - reference).ravel()), minlength=COARSE_BINS)
    outcomes = dict(zip(("tp", "fp", "fn", "tn"), masks, strict=True))
    place = {"dataset": "d", "scene": "s", "col_off": 0, "row_off": 0, "size_px": SIZE, "stratum": stratum}
    return place | float_sums(vars(statistics)) | outcomes | {"ssim": ssim, "error_bins": bins}


@pytest.fixture(scope="module")
def maps():
    reference = np.maximum(RNG.normal(4, 6, (6, SIZE, SIZE)), 0)
    return reference + RNG.normal(0.3, 2, reference.shape), reference


@pytest.fixture(scope="module")
def tiles(maps):
    masks = [(1, 0, 0, 9), (0, 0, 0, 5), (2, 1, 0, 0), (0, 3, 0, 3), (0, 0, 0, 0), (4, 0, 4, 4)]
    similar = [0.5, np.nan, 0.7, 0.9, np.nan, 0.3]
    rows = [row(p, r, ssim=s, masks=m) for p, r, s, m in zip(*maps, similar, masks, strict=True)]
    return pandas.DataFrame(rows)


def test_sums_of_tiles_have_the_scores_of_their_pixels(tiles, maps):
    expected = ErrorStatistics.from_arrays(*maps).scores()
    sums = {name: values.sum(axis=0) for name, values in tile_sums(tiles).items()}
    found = scores_of_sums(sums)
    masks = ConfusionStatistics(7, 4, 4, 21).scores()
    for name in ("iou", "dice", "accuracy", "precision", "recall"):
        assert found[name] == pytest.approx(masks[name]), name
    assert found["ssim"] == pytest.approx((0.5 + 0.7 + 0.9 + 0.3) / 4)
    rough = ("medae_m", "nmad_m", "q05_m", "q25_m", "q50_m", "q75_m", "q95_m")
    for name in rough:
        assert found[name] == pytest.approx(expected[name], abs=0.03), name
    counts = ("pixels", "ratio_pixels", "min_error_m", "max_error_m")
    for name in expected.keys() - {*rough, *counts}:
        assert found[name] == pytest.approx(expected[name], rel=1e-9), name


def test_thousands_of_resampled_sums_are_scored_at_once(tiles):
    sums = tile_sums(tiles)
    drawn = RNG.multinomial(6, np.full(6, 1 / 6), size=500)
    found = scores_of_sums({name: drawn @ values for name, values in sums.items()})
    for k in (0, 499):
        alone = scores_of_sums({name: drawn[k] @ values for name, values in sums.items()})
        for name in found:
            assert found[name].shape == (500,)
            assert found[name][k] == pytest.approx(float(alone[name]), nan_ok=True), name
    nothing = scores_of_sums({name: 0 * values[0] for name, values in sums.items()})
    assert all(np.isnan(value) for value in nothing.values())


def test_scores_of_each_tile(tiles, maps):
    found = tile_scores(tiles)
    errors = (maps[0] - maps[1]).reshape(6, -1)
    assert found.rmse_m.tolist() == pytest.approx(np.sqrt((errors**2).mean(axis=1)).tolist(), abs=1e-6)
    assert found.iou.tolist() == pytest.approx([1, np.nan, 2 / 3, 0, np.nan, 0.5], nan_ok=True)


@pytest.mark.parametrize(
    ("rule", "iou", "recall", "tiles_counted"),
    # tile 2 has no building, tile 5 only nodata; tile 4 has no building, but one was predicted
    [("skip", (1 + 2 / 3 + 0 + 0.5) / 4, 2.5 / 3, 5), ("one", (1 + 1 + 2 / 3 + 0.5) / 5, 4.5 / 5, 5),
     ("zero", (1 + 2 / 3 + 0.5) / 5, 2.5 / 5, 5)],
)  # fmt: skip
def test_empty_tiles_follow_the_rule(tiles, rule, iou, recall, tiles_counted):
    found = per_image_scores(tiles, rule)
    assert found["footprint"]["iou"] == pytest.approx(iou)
    assert found["footprint"]["recall"] == pytest.approx(recall)
    assert found["footprint"]["tiles"] == tiles_counted
    assert found["all"]["ssim"] == pytest.approx(0.6)
    assert found["all"]["rmse_m"] == pytest.approx(tile_scores(tiles).rmse_m.mean())
    assert per_image_scores(tiles.iloc[::-1], rule) == found


def test_coarse_bins_are_narrow_near_zero_and_open_at_the_ends():
    width = np.diff(COARSE_EDGES_M)
    assert 350 < COARSE_BINS < 450
    assert width.min() == pytest.approx(0.01, abs=0.0011)
    assert (width <= np.maximum(0.0111, 0.05 * np.abs(COARSE_EDGES_M[1:]))).all()
    assert coarse_bins(np.array([-1e6, 0.0, 1e6])).tolist() == [0, COARSE_BINS // 2, COARSE_BINS - 1]
    near = np.array([0.004, -0.004, 0.007])
    assert (np.diff(coarse_bins(near)) == [0, 1]).all()


@pytest.mark.parametrize("bias", [-3.0, 0.0, 0.4])
def test_coarse_quantiles_are_close_to_those_of_the_errors(bias):
    errors = RNG.normal(bias, 1.5, 20_000)
    coarse = CoarseQuantiles(np.bincount(coarse_bins(errors), minlength=COARSE_BINS))
    for level in (0.05, 0.5, 0.95):
        assert coarse.quantile_m(level) == pytest.approx(np.quantile(errors, level), abs=0.02)
    assert coarse.medae_m() == pytest.approx(np.median(np.abs(errors)), abs=0.02)
    nmad = 1.4826 * np.median(np.abs(errors - np.median(errors)))
    assert coarse.nmad_m() == pytest.approx(nmad, abs=0.02)


def test_a_table_without_the_columns_is_named(tmp_path):
    write_table(pandas.DataFrame({"method": ["unet"], "seed": [0]}), tmp_path / "tiles.parquet")
    with pytest.raises(DataError, match=r"tiles\.parquet: has no column 'dataset'"):
        read_tiles(tmp_path / "tiles.parquet")
