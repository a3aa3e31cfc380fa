"""All methods of an experiment together: the metrics file, intervals and comparisons."""

from pathlib import Path

import numpy as np
import pandas
import pytest

from img2height.comparison.collect import (
    INTERVAL_COLUMNS,
    Collected,
    block_side,
    collect,
    collect_experiment,
    seed_spread,
)
from img2height.comparison.pairwise import COMPARISON_COLUMNS
from img2height.errors import DataError
from img2height.metrics.coarse import COARSE_BINS, coarse_bins
from img2height.scoring.tiles import scores_of_sums, tile_sums
from img2height.settings.parsing import read_yaml
from img2height.settings.protocol import LEAKS, Params

PARAMS = Params(**read_yaml(Path(__file__).parents[2] / "params.yaml"))
RATIOS = ("relative_sum", "relative_square_sum", "log10_sum", "log_sum", "log_square_sum")
MASK = ("iou", "dice", "accuracy", "precision", "recall")


def tile(errors: np.ndarray, row: int, col: int, stratum: str) -> dict:
    """Return a row of the tile table: errors of reference heights of 10 m."""
    count, whole = errors.size, stratum == "all"
    return {
        "dataset": "d", "scene": "s", "col_off": col * 256, "row_off": row * 256, "size_px": 256, "stratum": stratum,
        "reference_pixels": count, "pixels": count, "error_sum_m": errors.sum(), "absolute_sum_m": np.abs(errors).sum(),
        "square_sum_m2": (errors**2).sum(), "ratio_pixels": count, **dict.fromkeys(RATIOS, (errors**2).sum() / 100),
        "delta1_pixels": int((errors < 1).sum()), "delta2_pixels": int((errors < 2).sum()), "delta3_pixels": count,
        "ssim": errors[0] if whole else np.nan, "tp": int((errors > 0).sum()) * whole, "fp": 3 * whole,
        "fn": (row + 1) * whole, "tn": 9 * whole, "error_bins": np.bincount(coarse_bins(errors), minlength=COARSE_BINS),
    }  # fmt: skip


def entry(method: str, scale_m: float = 1.0, seed: int = 0, across: int = 6, **more) -> tuple[dict, pandas.DataFrame]:
    """Return the scores of a method on a square of tiles, and the tiles."""
    rng = np.random.default_rng([seed, *method.encode()])
    strata = ("all", "buildings")
    rows = [
        tile(rng.normal(0, scale_m * rng.uniform(0.5, 1.5), 50), row, col, stratum)
        for row in range(across) for col in range(across) for stratum in strata
    ]  # fmt: skip
    tiles = pandas.DataFrame(rows).assign(method=method, seed=seed)
    scores = {stratum: exact(tiles[tiles.stratum == stratum]) for stratum in strata}
    scores["footprint"] = {name: scores["all"][name] for name in MASK}
    head = {"method": method, "seed": seed, "quantity": "ndsm", "correlation": {"length_m": 20.0}}
    return head | scores | more, tiles


def exact(tiles: pandas.DataFrame) -> dict[str, float | None]:
    sums = {name: values.sum(axis=0, keepdims=True) for name, values in tile_sums(tiles).items()}
    return {name: None if np.isnan(value[0]) else float(value[0]) for name, value in scores_of_sums(sums).items()}


def experiment(*entries: tuple[dict, pandas.DataFrame], **split) -> Collected:
    scores, tiles = zip(*entries, strict=True)
    return collect_experiment(scores, tiles, 0.5, PARAMS.metrics, PARAMS.split.model_copy(update=split))


@pytest.fixture(scope="module")
def found() -> Collected:
    return experiment(entry("unet", 1.0), entry("unet", 1.2, seed=1), entry("im2height", 2.0))


def test_collect_sorts_by_method_and_seed():
    one = {"method": "unet", "seed": 1, "all": {"rmse_m": 1.0}}
    metrics = collect([one, one | {"seed": 0}, one | {"method": "im2height"}])
    assert {name: sorted(seeds) for name, seeds in metrics["methods"].items()} == {
        "unet": ["seed0", "seed1"],
        "im2height": ["seed1"],
    }
    assert metrics["methods"]["unet"]["seed1"]["all"]["rmse_m"] == 1.0


@pytest.mark.parametrize(("scores", "word"), [([], "no scores"), ([{"method": "unet", "seed": 0}] * 2, "twice")])
def test_collect_refuses(scores: list, word: str):
    with pytest.raises(DataError, match=word):
        collect(scores)


def test_the_protocol_says_how_the_numbers_came_about(found: Collected):
    assert found.metrics["protocol"] == {
        "split": "vertical_stripes", "leaks": False, "ratio_min_height_m": 1.0, "tile_px": 256, "block_m": 128.0,
    }  # fmt: skip
    leaky = experiment(entry("unet"), entry("im2height"), strategy="random", allow_leak=True)
    protocol = leaky.metrics["protocol"]
    assert (protocol["split"], protocol["leaks"]) == ("random", True)
    assert set(leaky.intervals.note) == set(leaky.comparisons.note) == {LEAKS}


def test_every_score_has_its_interval(found: Collected):
    table = found.intervals
    assert table.columns.tolist() == [*INTERVAL_COLUMNS, "seed_mean", "seed_sd"]
    names = table[(table.method == "unet") & (table.seed == 0) & (table.stratum == "all")].score.tolist()
    assert {"rmse_m", "bias_m", "delta1", "ssim", "iou", "nmad_m", "q95_m"} <= set(names)
    assert len(names) == len(set(names))
    for row in table.itertuples():
        group = "footprint" if row.score in MASK else row.stratum
        assert row.value == found.metrics["methods"][row.method][f"seed{row.seed}"][group][row.score]
        if row.blocks >= 20:
            assert row.low <= row.value <= row.high
    assert not table[(table.stratum == "buildings") & table.score.isin([*MASK, "ssim"])].size
    assert set(table[table.score == "rmse_m"].blocks) == {36}
    assert set(table.block_m) == {128.0}


def test_a_score_that_no_block_changes_has_no_interval(found: Collected):
    delta3 = found.intervals[found.intervals.score == "delta3"]
    assert set(delta3.value) == {1.0}
    assert set(delta3.blocks) == {0}
    assert delta3.low.isna().all()


def test_seeds_are_averaged_beside_the_interval(found: Collected):
    rmse = found.intervals[(found.intervals.score == "rmse_m") & (found.intervals.stratum == "all")]
    unet = rmse[rmse.method == "unet"]
    assert unet.seed_mean.tolist() == pytest.approx([unet.value.mean()] * 2)
    assert unet.seed_sd.tolist() == pytest.approx([np.ptp(unet.value) / np.sqrt(2)] * 2)
    assert rmse[rmse.method == "im2height"].seed_sd.isna().all()


def test_seed_spread_by_hand():
    rows = [["unet", "all", "rmse_m", value] for value in (1.0, 2.0, 6.0)] + [["unet", "all", "mae_m", 5.0]]
    table = seed_spread(pandas.DataFrame(rows, columns=["method", "stratum", "score", "value"]))
    assert table.seed_mean.tolist() == [3, 3, 3, 5]
    assert table.seed_sd.tolist() == pytest.approx([np.sqrt(7)] * 3 + [np.nan], nan_ok=True)


def test_methods_are_compared_by_their_first_seed(found: Collected):
    table = found.comparisons
    assert table.columns.tolist() == COMPARISON_COLUMNS
    assert set(zip(table["first"], table["second"], strict=True)) == {("im2height", "unet")}
    scores = {name: seeds["seed0"]["all"]["rmse_m"] for name, seeds in found.metrics["methods"].items()}
    row = table[(table.stratum == "all") & (table.score == "rmse_m")].iloc[0]
    assert row.difference == pytest.approx(scores["im2height"] - scores["unet"])
    assert row.better == "second"
    assert row.low < row.difference < row.high


def test_the_order_of_methods_and_tiles_changes_no_digit(found: Collected):
    mixed = [entry("im2height", 2.0), entry("unet", 1.2, seed=1), entry("unet", 1.0)]
    other = experiment(*((scores, tiles.sample(frac=1, random_state=k)) for k, (scores, tiles) in enumerate(mixed)))
    pandas.testing.assert_frame_equal(other.intervals, found.intervals, check_exact=True)
    pandas.testing.assert_frame_equal(other.comparisons, found.comparisons, check_exact=True)


def test_few_blocks_give_scores_without_intervals():
    table = experiment(entry("unet", across=4)).intervals
    assert table[["low", "high"]].isna().all(axis=None)
    assert table.value.notna().all()
    assert set(table[table.score == "rmse_m"].blocks) == {16}


def test_blocks_reach_as_far_as_errors_are_alike(caplog):
    assert block_side([0.4, 20.0], 256, 0.5) == 256
    assert block_side([64.0], 256, 0.5) == 256
    assert block_side([20.0, 64.1], 256, 0.5) == 512
    assert not caplog.records
    assert block_side([None, 20.0], 256, 0.5) == 512
    assert "alike over more than a tile of 128 m" in caplog.text


def test_methods_on_other_ground_are_refused():
    scores, tiles = entry("unet")
    with pytest.raises(DataError, match=r"unet .*other ground than im2height: 3550 and 3600 reference pixels"):
        experiment(entry("im2height"), (scores, tiles.head(-1)))


def test_building_heights_may_have_another_reference():
    scores, tiles = entry("unet")
    scores["quantity"] = "building_height"
    table = experiment(entry("im2height"), (scores, tiles.head(-1))).comparisons
    assert set(table[table.stratum == "all"].score) == {"iou"}


def test_a_method_that_left_pixels_out_is_not_compared():
    scores, tiles = entry("unet")
    scores["all"]["coverage"] = 0.9
    table = experiment((scores, tiles), entry("im2height")).comparisons
    assert set(table.score) == {"iou"}
