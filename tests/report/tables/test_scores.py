"""The score table."""

import math
from pathlib import Path

import pandas
import pytest
from record_cases import experiment_scores, method_scores

from img2height.errors import DataError
from img2height.report.tables.scores import COLUMNS, needs, score_table, to_markdown
from img2height.scoring.record import MethodScores
from img2height.settings.project import load_recipe
from img2height.settings.protocol import LEAKS

RECIPES = {
    name: load_recipe(Path(__file__).parents[3] / "config/methods", name)
    for name in ("zero_height", "mean_height", "unet", "im2height")
}


def entry(method: str, rmse_m: float | None, seed: int = 0, quantity: str = "ndsm") -> MethodScores:
    return method_scores(
        method, seed, quantity, strata={"all": {"rmse_m": rmse_m, "bias_m": -0.5, "ssim": 0.75},
        "buildings": {"rmse_m": rmse_m}}, footprint={"iou": 0.5, "dice": 2 / 3},
        instances={"precision": 1.0, "recall": 0.25, "f1": 0.4, "tp": 1},
    )  # fmt: skip


def table_of(**rmse_m: float | None) -> pandas.DataFrame:
    entries = [entry(name, value) for name, value in rmse_m.items()]
    return score_table(experiment_scores(*entries), {name: RECIPES[name] for name in rmse_m})


def test_trivial_baselines_come_last_however_good():
    table = table_of(zero_height=1.0, im2height=5.0, mean_height=4.0, unet=3.0)
    assert table.method.tolist() == ["unet", "im2height", "zero_height", "mean_height"]
    assert table.trivial.tolist() == [False, False, True, True]
    assert table.all_rmse_ratio.tolist() == [0.75, 1.25, 0.25, 1.0]
    assert table.columns.tolist().index("all_rmse_ratio") == table.columns.tolist().index("all_rmse_m") + 1


def test_without_mean_height_there_is_no_ratio():
    assert table_of(unet=3.0).all_rmse_ratio.isna().all()


def test_several_seeds_are_averaged_with_their_spread():
    metrics = experiment_scores(entry("unet", 2.0), entry("unet", 4.0, seed=1))
    row = score_table(metrics, {"unet": RECIPES["unet"]}).iloc[0]
    assert (row.all_rmse_m, row.seeds) == (3.0, 2)
    assert row.all_rmse_sd_m == pytest.approx(math.sqrt(2))


def test_a_method_without_scores_is_an_error():
    with pytest.raises(DataError, match="im2height"):
        score_table(experiment_scores(entry("unet", 1.0)), {name: RECIPES[name] for name in ("unet", "im2height")})


def test_a_method_without_pixels_is_a_dash_and_last_in_its_group():
    table = table_of(im2height=None, unet=3.0, mean_height=4.0)
    assert table.method.tolist() == ["unet", "im2height", "mean_height"]
    assert COLUMNS["all_rmse_m"].text(table.all_rmse_m[1]) == "–"


def test_markdown_has_a_row_per_method_and_no_empty_column():
    lines = to_markdown(table_of(unet=3.0, mean_height=4.0)).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["unet", "*mean_height*"]
    assert "footprint_iou" in lines[0] and "nmad" not in lines[0]


def test_needs():
    assert needs(RECIPES["mean_height"]) == "nothing"
    assert needs(RECIPES["im2height"]) == "eo (red, green, blue)"


def test_quantities_that_cannot_be_compared_are_separate_groups_with_a_reason():
    entries = [entry("unet", 1.0, quantity="relative"), entry("im2height", 2.0, quantity="building_height")]
    entries += [entry("zero_height", 3.0), entry("mean_height", 4.0, quantity="dsm")]
    table = score_table(experiment_scores(*entries), RECIPES)
    assert table.method.tolist() == ["zero_height", "mean_height", "im2height", "unet"]
    assert table.note.str.contains("not ranked|buildings only").tolist() == [False, False, True, True]
    ratios = table.set_index("method")[["all_rmse_ratio", "buildings_rmse_ratio"]]
    assert ratios.loc["zero_height"].tolist() == [0.75, 0.75]
    assert math.isnan(ratios.all_rmse_ratio["im2height"]) and ratios.buildings_rmse_ratio["im2height"] == 0.5
    assert ratios.loc["unet"].isna().all()


def test_a_random_split_is_noted_in_every_row():
    table = score_table(experiment_scores(entry("unet", 1.0)), {"unet": RECIPES["unet"]}, leaks=True)
    assert table.note.tolist() == [LEAKS]
    assert LEAKS in to_markdown(table)
