"""Files of published tables: the printed numbers against what the papers' own numbers imply."""

from pathlib import Path

import pytest

from img2height.methods import recipes_folder
from img2height.published.table import figures_of, load_figure, load_table, tables_of

CONFIG = Path(__file__).parents[2] / "config"
TABLES = sorted((CONFIG / "tables").glob("*.yaml"))
FIGURES = sorted((CONFIG / "figures").glob("*.yaml"))
METHODS = {path.stem for path in recipes_folder().glob("*.yaml")}


def printed(name: str) -> dict[str, dict[str, float | None]]:
    """Return the printed numbers of a table by row and header."""
    table = load_table(CONFIG / f"tables/{name}.yaml")
    headers = [column.header.split()[0] for column in table.columns]
    return {row.label: dict(zip(headers, row.printed, strict=True)) for row in table.rows if row.printed}


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_tables_name_methods_that_exist(path):
    table = load_table(path)
    assert table.methods | {column.method for column in table.columns if column.method} <= METHODS


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.stem)
def test_figures_name_methods_that_exist(path):
    assert load_figure(path).methods <= METHODS


def test_all_published_tables_are_there():
    names = {path.stem for path in TABLES}
    assert {f"fusionheightnet_table{n}" for n in (1, 2, 3, 4)} <= names
    assert {"im2height_table1", "monodepth_table1", "monodepth_table2", "resdepth_statistics"} <= names


@pytest.mark.parametrize("name", ["fusionheightnet_table1", "fusionheightnet_table4"])
def test_a_slip_of_a_digit_would_break_what_holds_in_every_printed_row(name):
    rows = printed(name)
    assert len(rows) == 7
    for row in rows.values():
        assert row["RMSE"] < row["MSE"] ** 0.5
        assert row["Dice"] > 2 * row["IoU"] / (1 + row["IoU"])
        assert row["δ₁"] < row["δ₂"] < row["δ₃"]
        assert row["MAE"] < row["RMSE"]
        assert row["MSE"] == pytest.approx(row["RMSE"] ** 2, rel=0.15)


def test_rows_that_are_one_run_have_the_same_numbers():
    first, ablations, encoders, image = (printed(f"fusionheightnet_table{n}") for n in (1, 2, 3, 4))
    full, alone = first["FusionHeightNet"], image["FusionHeightNet"]
    assert ablations["EXP-A7"] == encoders["EXP-B2"] == {name: full[name] for name in ablations["EXP-A7"]}
    assert ablations["EXP-A4"] == {name: alone[name] for name in ablations["EXP-A4"]}


def test_differences_stated_in_the_text_hold_in_table_one():
    rows = printed("im2height_table1")
    plain, skip = rows["res. conv-deconv net"], rows["net with skip connection"]
    assert plain["MSE"] - skip["MSE"] == pytest.approx(0.0023, abs=5e-5)
    assert plain["MAE"] - skip["MAE"] == pytest.approx(0.01)
    assert skip["SSIM"] - plain["SSIM"] == pytest.approx(0.1306)


def test_the_better_row_of_each_depth_table():
    encoders, data = printed("monodepth_table1"), printed("monodepth_table2")
    mobile, squeeze = encoders.values()
    for low in ("Rel", "RMS", "log₁₀"):
        assert mobile[low] < squeeze[low]
        assert data["Normalization"][low] < data["None"][low] > data["Grayscale"][low]
    for high in ("δ₁", "δ₂", "δ₃"):
        assert mobile[high] > squeeze[high]
    assert data["Normalization"]["Loss"] < data["Grayscale"]["Loss"] < data["None"]["Loss"]


def test_an_experiment_has_the_tables_of_its_methods():
    assert tables_of(CONFIG / "tables", ["unet", "mean_height"]) == []
    assert tables_of(CONFIG / "tables", ["im2height"]) == ["im2height_table1"]
    assert set(tables_of(CONFIG / "tables", ["fusionheightnet"])) == {f"fusionheightnet_table{n}" for n in (1, 2, 3)}


def test_a_figure_needs_both_of_its_methods():
    assert figures_of(CONFIG / "figures", ["im2height"]) == []
    assert figures_of(CONFIG / "figures", ["im2height", "im2height_noskip", "unet"]) == ["im2height_fig10"]
