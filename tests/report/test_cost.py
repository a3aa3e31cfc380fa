"""The cost of a run."""

from pathlib import Path

import pytest

from img2height.errors import DataError
from img2height.report.cost import cost_table, write_cost

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


@pytest.fixture
def train(tmp_path: Path) -> Path:
    folder = tmp_path / "train" / "unet"
    folder.mkdir(parents=True)
    (folder / "fold0.tsv").write_text(f"{HEAD}3600\t1:00:00\t2000\t0\t0\t0\t0\t0\t50\t1800\n")
    (folder / "fold1.tsv").write_text(f"{HEAD}0.5\t0:00:00\t-\t-\t-\t-\t-\t-\t-\tNA\n")
    return folder.parent


def test_jobs_are_summed_and_energy_is_estimated(train: Path):
    (row,) = cost_table({"train": train, "predict": train / "none"}, ["unet", "segnet"], 2.0).to_dict("records")
    assert (row["method"], row["step"], row["jobs"]) == ("unet", "train", 2)
    assert (row["wall_s"], row["cpu_s"], row["memory_mb"]) == (3600.5, 1800, 2000)
    assert row["energy_wh"] == pytest.approx(12 * 0.5 + 0.3725 * 2)  # half an hour of a core, an hour of 2 GB
    assert row["wh_per_km2"] == pytest.approx(row["energy_wh"] / 2)


def test_the_page_has_the_numbers_or_states_that_there_are_none(train: Path, tmp_path: Path):
    write_cost(cost_table({"train": train}, ["unet"], 2.0), "Town", tmp_path / "cost.html")
    text = (tmp_path / "cost.html").read_text(encoding="utf-8")
    assert 'id="costs"' in text and "<td>3600.5</td>" in text and "6.745" in text
    write_cost(cost_table({"train": train}, ["segnet"], 2.0), "Town", tmp_path / "cost.html")
    text = (tmp_path / "cost.html").read_text(encoding="utf-8")
    assert 'id="no-costs"' in text and 'id="costs"' not in text


def test_another_table_is_refused(train: Path):
    (train / "unet" / "x.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(DataError, match="no column 's'"):
        cost_table({"train": train}, ["unet"], 1.0)
