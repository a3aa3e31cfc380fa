"""All methods of an experiment together: the metrics file, intervals and comparisons."""

from pathlib import Path

import numpy as np
import pandas
import pytest
from record_cases import experiment_scores, method_scores

from img2height.comparison.collect import Collected, by_method, collect_experiment, seed_spread
from img2height.comparison.record import Comparison, ExperimentScores, Interval, read_metrics, read_rows, write_rows
from img2height.errors import DataError
from img2height.io.tables import write_json
from img2height.metrics.coarse import COARSE_BINS, coarse_bins
from img2height.metrics.correlation import block_side
from img2height.scoring import building_tiles
from img2height.scoring.record import Scored
from img2height.scoring.tiles import scores_of_sums, tile_sums
from img2height.settings.parsing import read_yaml
from img2height.settings.protocol import Params
from img2height.vocabulary.scores import SCORES, of_kind

PARAMS = Params(**read_yaml(Path(__file__).parents[2] / "params.yaml"))
RATIOS = ("relative_sum", "relative_square_sum", "log10_sum", "log_sum", "log_square_sum")
MASK = tuple(of_kind("mask"))


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


def entry(
    method: str, scale_m: float = 1.0, seed: int = 0, across: int = 6, buildings: pandas.DataFrame | None = None, **more
) -> Scored:
    """Return the scores of a method on a square of tiles, and the tiles."""
    rng = np.random.default_rng([seed, *method.encode()])
    strata = ("all", "buildings")
    rows = [
        tile(rng.normal(0, scale_m * rng.uniform(0.5, 1.5), 50), row, col, stratum)
        for row in range(across) for col in range(across) for stratum in strata
    ]  # fmt: skip
    tiles = pandas.DataFrame(rows).assign(method=method, seed=seed)
    scores = {stratum: exact(tiles[tiles.stratum == stratum]) for stratum in strata}
    footprint = {name: scores["all"][name] for name in MASK}
    buildings = of_buildings() if buildings is None else buildings
    return Scored(method_scores(method, seed, strata=scores, footprint=footprint, **more), tiles, buildings)


def of_buildings(*rows: dict) -> pandas.DataFrame:
    """Return a table of sums over buildings by tile, from the sums that are not 0."""
    table = pandas.DataFrame(rows, columns=building_tiles.columns())
    fields = [*building_tiles.fields("buildings"), *building_tiles.fields("building_errors")]
    return table.assign(dataset="d", scene="s", **{name: table[name].fillna(0.0).astype(float) for name in fields})


def exact(tiles: pandas.DataFrame) -> dict[str, float | None]:
    sums = {name: values.sum(axis=0, keepdims=True) for name, values in tile_sums(tiles).items()}
    return {name: None if np.isnan(value[0]) else float(value[0]) for name, value in scores_of_sums(sums).items()}


def experiment(*entries: Scored, **split) -> Collected:
    return collect_experiment(entries, 0.5, PARAMS.metrics, PARAMS.split.model_copy(update=split))


@pytest.fixture(scope="module")
def found() -> Collected:
    return experiment(entry("unet", 1.0), entry("unet", 1.2, seed=1), entry("im2height", 2.0))


def table_of(rows: list[Interval] | list[Comparison]) -> pandas.DataFrame:
    return pandas.DataFrame(rows)


def test_scores_are_sorted_by_method_and_seed():
    one, other, third = method_scores("unet", 1), method_scores("unet", 0), method_scores("im2height", 1)
    assert by_method([one, other, third]) == {"unet": {1: one, 0: other}, "im2height": {1: third}}
    assert experiment_scores(one, other, third).seeds("unet") == [other, one]


@pytest.mark.parametrize(("scores", "word"), [([], "no scores"), ([method_scores("unet")] * 2, "twice")])
def test_what_cannot_be_collected_is_refused(scores: list, word: str):
    with pytest.raises(DataError, match=word):
        by_method(scores)


def test_the_protocol_records_how_the_numbers_were_computed(found: Collected):
    assert found.metrics.protocol.model_dump() == {
        "split": "vertical_stripes", "leaks": False, "ratio_min_height_m": 1.0, "tile_px": 256, "block_m": 128.0,
    }  # fmt: skip
    protocol = experiment(entry("unet"), entry("im2height"), strategy="random", allow_leak=True).metrics.protocol
    assert (protocol.split, protocol.leaks) == ("random", True)


def test_files_are_read_as_they_were_written(found: Collected, tmp_path: Path):
    write_json(found.metrics.to_json(), tmp_path / "metrics.json")
    assert read_metrics(tmp_path / "metrics.json") == found.metrics
    assert set(found.metrics.to_json()["methods"]["unet"]) == {"seed0", "seed1"}
    for rows, kind in ((found.intervals, Interval), (found.comparisons, Comparison)):
        write_rows(rows, kind, tmp_path / "rows.csv", "a note")
        assert set(pandas.read_csv(tmp_path / "rows.csv").note) == {"a note"}
        back = read_rows(kind, tmp_path / "rows.csv")
        assert all(type(row) is kind for row in back)
        pandas.testing.assert_frame_equal(table_of(back), table_of(rows), rtol=1e-5)


def test_files_of_another_kind_are_refused(tmp_path: Path):
    with pytest.raises(DataError, match="does not exist"):
        read_rows(Interval, tmp_path / "no.csv")
    write_rows([], Comparison, tmp_path / "rows.csv")
    assert read_rows(Comparison, tmp_path / "rows.csv") == []
    with pytest.raises(DataError, match="has no column 'method'"):
        read_rows(Interval, tmp_path / "rows.csv")
    write_json({"methods": {}}, tmp_path / "metrics.json")
    with pytest.raises(DataError, match=r"metrics\.json: protocol: .*collect the metrics again"):
        read_metrics(tmp_path / "metrics.json")


def test_every_score_has_its_interval(found: Collected):
    table = table_of(found.intervals)
    names = table[(table.method == "unet") & (table.seed == 0) & (table.stratum == "all")].score.tolist()
    assert names == [score.name for score in SCORES if score.kind not in ("buildings", "building_errors", "derived")]
    for row in found.intervals:
        group = "footprint" if row.score in MASK else row.stratum
        assert row.value == value_of(found.metrics, row.method, row.seed, group, row.score)
        if row.blocks >= 20:
            assert row.low <= row.value <= row.high
    assert not table[(table.stratum == "buildings") & table.score.isin([*MASK, "ssim"])].size
    assert set(table[table.score == "rmse_m"].blocks) == {36}
    assert set(table.block_m) == {128.0}


def value_of(metrics: ExperimentScores, method: str, seed: int, group: str, score: str) -> float | None:
    return metrics.methods[method][seed].group(group)[score]


def test_a_score_that_no_block_changes_has_no_interval(found: Collected):
    delta3 = [row for row in found.intervals if row.score == "delta3"]
    assert {(row.value, row.blocks, row.estimated) for row in delta3} == {(1.0, 0, False)}


def test_seeds_are_averaged_next_to_the_interval(found: Collected):
    table = table_of(found.intervals)
    rmse = table[(table.score == "rmse_m") & (table.stratum == "all")]
    unet = rmse[rmse.method == "unet"]
    assert unet.seed_mean.tolist() == pytest.approx([unet.value.mean()] * 2)
    assert unet.seed_sd.tolist() == pytest.approx([np.ptp(unet.value) / np.sqrt(2)] * 2)
    assert rmse[rmse.method == "im2height"].seed_sd.isna().all()


def test_seed_spread_by_hand():
    scores = [("rmse_m", 1.0), ("rmse_m", 2.0), ("rmse_m", 6.0), ("mae_m", 5.0)]
    rows = seed_spread([Interval("unet", 0, "all", name, value, 0.0, 9.0, 30, 64.0) for name, value in scores])
    assert [row.seed_mean for row in rows] == [3, 3, 3, 5]
    assert [row.seed_sd for row in rows] == pytest.approx([np.sqrt(7)] * 3 + [np.nan], nan_ok=True)


def test_methods_are_compared_by_their_first_seed(found: Collected):
    assert {(row.first, row.second) for row in found.comparisons} == {("im2height", "unet")}
    rmse_m = {name: value_of(found.metrics, name, 0, "all", "rmse_m") for name in ("im2height", "unet")}
    (row,) = (row for row in found.comparisons if (row.stratum, row.score) == ("all", "rmse_m"))
    assert row.difference == pytest.approx(rmse_m["im2height"] - rmse_m["unet"])
    assert (row.better, row.winner) == ("second", "unet")
    assert row.low < row.difference < row.high


def test_the_order_of_methods_and_tiles_changes_no_digit(found: Collected):
    mixed = [entry("im2height", 2.0), entry("unet", 1.2, seed=1), entry("unet", 1.0)]
    other = experiment(*(one._replace(tiles=one.tiles.sample(frac=1, random_state=k)) for k, one in enumerate(mixed)))
    for name in ("intervals", "comparisons"):
        tables = (table_of(getattr(each, name)) for each in (other, found))
        pandas.testing.assert_frame_equal(*tables, check_exact=True)


def test_few_blocks_give_scores_without_intervals():
    table = table_of(experiment(entry("unet", across=4)).intervals)
    assert table[["low", "high"]].isna().all(axis=None)
    assert table.value.notna().all()
    assert set(table[table.score == "rmse_m"].blocks) == {16}


def test_blocks_span_the_correlation_length(caplog):
    assert block_side([0.4, 20.0], 256, 0.5) == 256
    assert block_side([64.0], 256, 0.5) == 256
    assert block_side([20.0, 64.1], 256, 0.5) == 512
    assert not caplog.records
    assert block_side([None, 20.0], 256, 0.5) == 512
    assert "correlate over more than a tile of 128 m" in caplog.text


def test_methods_scored_on_other_areas_are_refused():
    other = entry("unet")
    with pytest.raises(DataError, match=r"unet .*another area than im2height: 3550 and 3600 reference pixels"):
        experiment(entry("im2height"), other._replace(tiles=other.tiles.head(-1)))


def test_building_heights_may_have_another_reference():
    other = entry("unet", quantity="building_height")
    rows = experiment(entry("im2height"), other._replace(tiles=other.tiles.head(-1))).comparisons
    assert {row.score for row in rows if row.stratum == "all"} == {"iou"}


def test_a_method_that_left_pixels_out_is_not_compared():
    other = entry("unet")
    other.scores.strata["all"]["coverage"] = 0.9
    rows = experiment(other, entry("im2height")).comparisons
    assert {row.score for row in rows} == {"iou"}


CHECKERBOARD = np.indices((6, 6)).sum(axis=0).ravel() % 2 == 1  # unlike neighbours, so that no interval is widened


def with_buildings(method: str, found: np.ndarray, error_m: float) -> Scored:
    """Return a method with a reference building in each of 36 tiles.

    In each tile it finds the building, or a wrong one. Its heights are too high, in every second tile three times as
    much as in the others.
    """
    rows = []
    for number, right in enumerate(found):
        place = {"col_off": number % 6 * 256, "row_off": number // 6 * 256}
        error = error_m * (3 if CHECKERBOARD[number] else 1)
        rows.append({**place, "stratum": "instances", "tp": right, "fp": not right, "fn": not right})
        rows += [
            {**place, "stratum": stratum, "buildings": 1, "height_error_sum": error, "height_square_sum": error**2}
            for stratum in ("given", "given.height_3_10")
        ]
    errors = {"bias_m": 2 * error_m, "rmse_m": error_m * 5**0.5}
    return entry(
        method, buildings=of_buildings(*rows), instances={"f1": found.mean()},
        building_errors={"given": {"all": errors, "height_3_10": errors}},
    )  # fmt: skip


def test_scores_of_buildings_have_intervals_by_hand():
    rows = experiment(with_buildings("unet", CHECKERBOARD, 1.0)).intervals
    f1, bias, rmse, low = (
        next(row for row in rows if (row.stratum, row.score) == of)
        for of in (("instances", "f1"), ("given", "bias_m"), ("given", "rmse_m"), ("given.height_3_10", "rmse_m"))
    )
    # F1 is the mean of 36 numbers 0 or 1, its standard deviation 0.5 / 6, Student's quantile for 35 degrees 2.03; the
    # errors are 1 or 3 m, their squares 1 or 9 m2.
    reach = 2.03 * 0.5 / 6
    assert (f1.value, f1.blocks) == (0.5, 36)
    assert (f1.low, f1.high) == pytest.approx((0.5 - reach, 0.5 + reach), abs=0.015)
    assert (bias.low, bias.high) == pytest.approx((2 - 2 * reach, 2 + 2 * reach), abs=0.03)
    assert rmse.value == pytest.approx(5**0.5)
    assert (rmse.low**2, rmse.high**2) == pytest.approx((5 - 8 * reach, 5 + 8 * reach), abs=0.12)
    assert low[3:9] == rmse[3:9]


def test_methods_are_compared_by_the_same_buildings():
    all_of_them = np.full(36, True)
    rows = experiment(with_buildings("a", all_of_them, 1.0), with_buildings("b", CHECKERBOARD, 2.0)).comparisons
    rows = {(row.stratum, row.score): row for row in rows}
    f1, rmse = rows["instances", "f1"], rows["given", "rmse_m"]
    assert (f1.difference, f1.better) == (0.5, "first")
    assert rmse.difference == pytest.approx(-(5**0.5))
    assert rmse.better == "first" and rmse.p_holm < 0.001
    same = experiment(with_buildings("a", CHECKERBOARD, 1.0), with_buildings("b", CHECKERBOARD, 1.0)).comparisons
    assert {(row.difference, row.better) for row in same if row.stratum in ("instances", "given")} == {(0.0, "")}
    assert not any(row.stratum == "found" or "." in row.stratum for row in same)
