"""The scores of an experiment in a terminal."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from img2height.cli.app import app

TABLE = """method,trivial,all_rmse_m,all_mae_m,all_bias_m,buildings_rmse_m,all_delta1
unet,False,1.234,0.5,-0.25,,0.9
mean_height,True,2,1,0.5,,0.1
"""


def test_one_row_per_method_in_eighty_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny/tables").mkdir(parents=True)
    (tmp_path / "tiny/tables/scores.csv").write_text(TABLE)
    monkeypatch.setenv("COLUMNS", "80")
    done = CliRunner().invoke(app, ["scores", "tiny", "--results", str(tmp_path)])
    assert done.exit_code == 0
    rows = {line.split()[0]: line.split()[1:] for line in done.output.splitlines() if line.split()}
    assert rows["unet"] == ["1.23", "0.50", "−0.25", "–", "–"]
    assert rows["mean_height"] == ["2.00", "1.00", "+0.50", "–", "–"]
    assert max(map(len, done.output.splitlines())) <= 80


def test_an_experiment_that_was_not_run_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["scores", "tiny", "--results", str(tmp_path)])
    assert done.exit_code == 2
    assert "run the experiment first" in done.stderr
