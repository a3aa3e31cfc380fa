"""What studies conclude from made-up results: known answers."""

import numpy as np
import pandas
import pytest
from record_cases import numbers_in

from img2height.errors import DataError
from img2height.settings.parsing import parse
from img2height.studies.area import area
from img2height.studies.leakage import leakage
from img2height.studies.outcome import Outcome, on_shared_tiles
from img2height.studies.study import Study
from img2height.studies.summary import write_summary
from img2height.studies.transfer import transfer

SIDE, COLUMNS = 64, 8


def tiles(rmse_m: float, count: int = 40, scene: str = "south", first: int = 0) -> pandas.DataFrame:
    """Return tiles in rows of eight, good and bad in turn, with one RMSE together; a second stratum must not count."""
    number = first + np.arange(count)
    scattered = rmse_m**2 * (1 + 0.3 * (-1.0) ** number)
    frame = pandas.DataFrame(
        {
            "dataset": "demo", "scene": scene,
            "col_off": SIDE * (number % COLUMNS), "row_off": SIDE * (number // COLUMNS),
            "size_px": SIDE, "stratum": "all", "reference_pixels": 100, "pixels": 100, "square_sum_m2": 100 * scattered,
        }
    )  # fmt: skip
    return pandas.concat([frame, frame.assign(stratum="terrain", square_sum_m2=1e9)], ignore_index=True)


def outcome(rmse_m: float, baseline_m: float = 5.0, km2: float = 1.0, **shape) -> Outcome:
    methods = {"unet": tiles(rmse_m, **shape), "mean_height": tiles(baseline_m, **shape)}
    return Outcome(f"rmse {rmse_m}", methods, SIDE, km2)


def study(question: str, *variants: str) -> Study:
    named = {name: {"label": name} for name in variants}
    keys = {"name": "s", "title": "A study", "question": question, "base": "demo", "method": "unet", "variants": named}
    return parse(Study, keys, "study")


def test_leakage_is_the_difference_on_the_same_tiles():
    outcomes = {"random": outcome(2.0, first=10, count=30), "blocked": outcome(2.5, count=40)}
    answer = leakage(study("leakage", "random", "blocked"), outcomes)
    assert answer.table.rmse_m.tolist() == pytest.approx([2.0, 2.5, 5.0, 5.0])
    assert set(answer.table.tiles) == {30}
    assert answer.table.training_km2.tolist() == [1.0] * 4
    low_m, high_m = numbers_in(answer.finding)[-2:]
    assert {30, 2.0, 2.5, 0.5, 20} <= set(numbers_in(answer.finding))
    assert 0.4 < low_m < 0.5 < high_m


def test_too_few_tiles_have_no_interval():
    outcomes = {"random": outcome(2.0, count=10), "blocked": outcome(2.5, count=10)}
    answer = leakage(study("leakage", "random", "blocked"), outcomes)
    assert numbers_in(answer.finding)[-1] == 0.5  # without an interval
    assert answer.table.low_m.isna().all()


def test_a_random_split_that_is_worse_is_not_called_flattering():
    answer = leakage(study("leakage", "random", "blocked"), {"random": outcome(2.5), "blocked": outcome(2.0)})
    difference_m, _, low_m, high_m = numbers_in(answer.finding)[-4:]
    assert difference_m == 0.5 and low_m < -0.5 < high_m < 0
    assert "mean_height" not in answer.finding


def test_a_method_without_skill_shows_no_leak():
    answer = leakage(study("leakage", "random", "blocked"), {"random": outcome(6.0), "blocked": outcome(6.5)})
    assert "mean_height" in answer.finding  # which it does not beat


def test_cut_tiles_are_not_shared():
    cut = tiles(9.0)
    cut.loc[cut.index[:4], "reference_pixels"] = 50
    shared = on_shared_tiles({("whole", "unet"): tiles(1.0), ("cut", "unet"): cut}, SIDE)
    assert shared.tiles == 36


def test_without_shared_tiles_there_is_no_comparison():
    with pytest.raises(DataError, match="unet of here, unet of there have no tile in common"):
        on_shared_tiles({("here", "unet"): tiles(1.0, first=0), ("there", "unet"): tiles(1.0, first=100)}, SIDE)


def test_the_order_of_tiles_changes_no_digit():
    table = tiles(2.0)
    name = ("variant", "unet")
    first = on_shared_tiles({name: table}, SIDE)
    second = on_shared_tiles({name: table.sample(frac=1, random_state=1)}, SIDE)
    assert first.scores(name) == second.scores(name)
    low_m, high_m = first.interval(first.rmse[name])
    assert low_m < first.rmse[name].value < high_m


def test_a_place_is_scored_on_the_same_tiles_for_all_trainings():
    def place(home: str, other: str, here: float, there: float) -> Outcome:
        found = {
            method: pandas.concat([tiles(here + more, 20, home), tiles(there + more, 40, other)], ignore_index=True)
            for method, more in (("unet", 0.0), ("mean_height", 1.0))
        }
        return Outcome(home, found, SIDE, 1.0)

    outcomes = {"mill": place("mill", "quay", 1.0, 3.0), "quay": place("quay", "mill", 2.0, 4.0)}
    answer = transfer(study("transfer", "mill", "quay"), outcomes)
    matrix = answer.table.pivot(index="train", columns="test", values="rmse_m")
    assert matrix.loc["mill"].tolist() == pytest.approx([1.0, 3.0])
    assert matrix.loc["quay"].tolist() == pytest.approx([4.0, 2.0])
    assert set(answer.table.tiles) == {20}
    assert numbers_in(answer.finding) == [1.5, 3.5, 133, 4.0, 2.0, 3.0, 0, 2]
    assert answer.finding.index("quay") < answer.finding.index("mill")  # trained in quay, tested in mill


def test_a_variant_of_a_transfer_must_be_a_scene():
    with pytest.raises(DataError, match="scene mill was not tested in all variants"):
        transfer(study("transfer", "mill", "quay"), {"mill": outcome(1.0), "quay": outcome(2.0)})


def test_area_counts_doublings_and_the_last_step():
    outcomes = {"much": outcome(2.0, km2=4.0), "little": outcome(3.0, km2=1.0), "some": outcome(2.5, km2=2.0)}
    answer = area(study("area", "little", "some", "much"), outcomes)
    assert answer.table.training_km2.tolist() == [1.0, 2.0, 4.0]
    assert answer.table.rmse_m.tolist() == pytest.approx([3.0, 2.5, 2.0])
    *found, low_m, high_m = numbers_in(answer.finding)
    assert found == [3.0, 1, 2.0, 4, 0.5, 0.5, 95]
    assert 0.4 < low_m < 0.5 < high_m


def test_the_answer_is_written_with_the_same_bytes(tmp_path):
    outcomes = {"random": outcome(2.0), "blocked": outcome(2.5)}
    for folder in ("a", "b"):
        finding = write_summary(study("leakage", "random", "blocked"), outcomes, tmp_path / folder)
    for name in ("table.csv", "table.md", "figure.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert finding in (tmp_path / "a/table.md").read_text()
    assert len(pandas.read_csv(tmp_path / "a/table.csv")) == 4
