"""Our numbers in a published table, and the table as text."""

import copy
import xml.etree.ElementTree as ElementTree

import pandas
import pytest
from record_cases import PROTOCOL, experiment_scores, method_scores

from img2height.comparison.record import ExperimentScores, Interval
from img2height.errors import DataError, SettingsError
from img2height.published.fill import fill, notes_of
from img2height.published.render import to_html, to_markdown
from img2height.published.table import Table
from img2height.settings.parsing import parse
from img2height.settings.protocol import LEAKS

TABLE = {
    "title": "A paper, Table 9",
    "source": "Nobody (1999)",
    "facts": ["EO"],
    "columns": [
        {"header": "Dice ↑", "score": "footprint.dice", "note": "pooled"},
        {"header": "RMSE ↓", "score": "all.rmse_m", "unit": "m", "decimals": 2},
        {"header": "Loss", "score": None, "note": "without a unit"},
    ],
    "rows": [
        {"label": "Net", "method": "unet", "facts": ["✓"], "printed": [0.7, 0.076, 45.0]},
        {"label": "Other <net>", "method": "segnet", "facts": [""], "printed": [0.5, None, None], "note": "pooled"},
    ],
    "notes": ["Other data."],
}
PARTS = {
    "strata": {"all": {"rmse_m": 2.345, "silog": None}}, "footprint": {"dice": 0.625}, "paper": {"im2height": None},
}  # fmt: skip
METRICS = experiment_scores(
    method_scores("unet", 10, **PARTS | {"footprint": {"dice": 0.1}}), method_scores("unet", 3, **PARTS)
)
INTERVALS = [
    Interval("unet", 3, "all", "dice", 0.625, 0.6, 0.65, 30, 64.0),
    Interval("unet", 3, "all", "rmse_m", 2.345, 2.1, 2.6, 30, 64.0),
    Interval("unet", 10, "all", "rmse_m", 9, 9, 9, 30, 64.0),
]
LEAKING = METRICS.model_copy(update={"protocol": PROTOCOL.model_copy(update={"leaks": True})})


def changed(**keys) -> dict:
    return copy.deepcopy(TABLE) | keys


def filled(metrics: ExperimentScores = METRICS, **keys) -> tuple[Table, pandas.DataFrame]:
    table = parse(Table, changed(**keys), "table")
    return table, fill(table, metrics, INTERVALS)


def test_cells_hold_the_printed_number_ours_and_its_interval():
    _, cells = filled()
    assert len(cells) == 6
    dice, rmse, loss = (cells.iloc[n] for n in range(3))
    assert (dice.printed, dice.ours, dice.low, dice.high) == (0.7, 0.625, 0.6, 0.65)
    assert (rmse.printed, rmse.ours, rmse.low, rmse.high, rmse.unit) == (0.076, 2.345, 2.1, 2.6, "m")
    assert loss.printed == 45.0
    assert pandas.isna(loss.ours)
    assert pandas.isna(loss.score)


def test_a_method_that_was_not_run_has_no_numbers_of_ours():
    _, cells = filled()
    assert cells.iloc[3:].ours.isna().all()
    assert cells.iloc[3:].low.isna().all()


def test_a_column_may_be_of_another_method_and_a_row_of_a_stratum():
    column = {"header": "RMSE before", "score": "rmse_m", "method": "unet"}
    row = {"label": "Net, all", "method": "segnet", "facts": [""], "within": "all"}
    _, cells = filled(columns=[column], rows=[row])
    assert cells.ours.tolist() == [2.345]
    assert cells.score.tolist() == ["all.rmse_m"]
    assert cells.low.tolist() == [2.1]


def test_null_is_a_dash_and_a_misspelt_score_an_error():
    keys = ("all.silog", "paper.im2height.mse", "all.rmse_m")
    _, cells = filled(columns=[{"header": "a", "score": key} for key in keys])
    assert cells.iloc[:2].ours.isna().all()
    with pytest.raises(DataError, match=r"column b: there is no score 'footprint\.dise': 'dise'; did you mean 'dice'"):
        filled(columns=[{"header": "b", "score": "footprint.dise"}] * 3)


def test_notes_state_random_splits_and_missing_methods():
    table, _ = filled()
    assert notes_of(table, METRICS) == [
        "A dash: not run in this experiment (segnet), or nothing to count.",
        "Other data.",
    ]
    assert notes_of(table, LEAKING)[0].startswith(LEAKS.capitalize())


def test_markdown_has_printed_and_our_numbers_and_notes():
    table, cells = filled()
    text = to_markdown(table, cells, notes_of(table, LEAKING))
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    assert lines[0] == ["method", "EO", "", "Dice ↑¹", "RMSE ↓, m", "Loss²"]
    assert lines[2] == ["Net", "✓", "printed", "0.7000", "0.08", "45.0000"]
    assert lines[3] == ["", "", "ours", "0.6250", "2.35", "–"]
    assert lines[4] == ["", "", "95 %", "0.6000 to 0.6500", "2.10 to 2.60", ""]
    assert [line[:3] for line in lines[5:]] == [["Other <net>¹", "", "printed"], ["", "", "ours"]]  # no interval at all
    assert "1. pooled\n2. without a unit" in text
    assert f"- {LEAKS.capitalize()}" in text


def test_a_table_without_printed_numbers_shows_only_ours():
    table, cells = filled(rows=[row | {"printed": []} for row in TABLE["rows"]])
    assert "printed" not in to_markdown(table, cells, [])


def test_html_is_well_formed_and_escapes_names():
    table, cells = filled()
    page = to_html(table, cells, ["a < b"])
    body = page[page.index("<h1>") : page.index("</body>")]
    root = ElementTree.fromstring(f"<body>{body}</body>")
    assert [cell.text for cell in root.iter("td")][:3] == ["0.7000", "0.08", "45.0000"]
    assert "Other &lt;net&gt;" in page
    assert root.find("ul/li").text == "a < b"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"colums": []}, "unknown key colums; .*did you mean 'columns'"),
        ({"columns": []}, "columns: .*at least 1"),
        ({"rows": [TABLE["rows"][0] | {"printed": [1.0]}]}, "row Net: 1 printed numbers, 3 columns"),
        ({"rows": [TABLE["rows"][0]] * 2}, "row Net occurs twice"),
        ({"rows": [TABLE["rows"][0] | {"facts": []}]}, "row Net: 0 facts, 1 headers"),
    ],
)
def test_a_wrong_table_is_refused(keys, words):
    with pytest.raises(SettingsError, match=words):
        parse(Table, changed(**keys), "table.yaml")
