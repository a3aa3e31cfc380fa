"""The page, Snakemake's report and DVC all show the numbers of metrics.json, and none of them needs a network."""

import json
import math
import zipfile
from html.parser import HTMLParser

import pandas
from workflow_tree import METRICS, Tree, numbers

UNREACHABLE = "http://127.0.0.1:9"  # nothing listens there
OFFLINE = ("env", f"http_proxy={UNREACHABLE}", f"https_proxy={UNREACHABLE}")


class Cells(HTMLParser):
    """Collects the cells of a page that have a sort value: that value, and the printed text, without intervals."""

    def __init__(self):
        super().__init__()
        self.cells: list[tuple[float, str]] = []
        self.value, self.text, self.small = None, "", False

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag == "td":
            self.value, self.text = dict(attrs).get("data-value"), ""
        self.small |= tag == "small"

    def handle_endtag(self, tag: str) -> None:
        self.small &= tag != "small"
        if tag == "td" and self.value is not None:
            self.cells.append((float(self.value), self.text))

    def handle_data(self, data: str) -> None:
        self.text += "" if self.small else data


def table(tree: Tree, name: str) -> pandas.DataFrame:
    """Return a table of the report."""
    return pandas.read_csv(tree.folder / f"results/tiny/tables/{name}.csv")


def test_the_page_prints_numbers_of_the_metrics_file(tree):
    """The only others are in tables of their own: ratios and differences, coverage of intervals, unfamiliar tiles."""
    page = Cells()
    page.feed((tree.folder / "results/tiny/report.html").read_text(encoding="utf-8"))
    stored = set(tree.numbers().values()) | set(table(tree, "scores").filter(like="ratio").to_numpy().ravel())
    for name in ("comparisons", "interval_coverage", "unfamiliar"):
        stored |= set(table(tree, name).select_dtypes("number").to_numpy().ravel())
    assert len(page.cells) > 300
    for value, text in page.cells:
        if math.isnan(value):
            assert text == "–"
            continue
        assert value in stored
        plain = text.replace("−", "-").replace("\u202f", "").lstrip("+")
        assert plain == f"{value:.{len(plain.partition('.')[2])}f}"


def test_every_score_of_the_table_is_that_of_the_metrics_file(tree):
    rows = table(tree, "scores").set_index("method")
    scores = [
        (value, rows[column][method])
        for name, value in tree.numbers().items()
        if name.startswith("methods.")
        for method, column in [(name.split(".")[1], "_".join(name.split(".")[3:]))]
        if column in rows
    ]
    assert len(scores) > 80
    assert [value for value, _ in scores] == [shown for _, shown in scores]


def test_dvc_shows_the_metrics_file(tree):
    done = tree.run("dvc", "metrics", "show", "--json")
    assert done.returncode == 0, done.stdout
    assert numbers(json.loads(done.stdout)[""]["data"][METRICS]["data"]) == tree.numbers()


def test_the_snakemake_report_contains_the_page_and_the_table(tree):
    done = tree.run(*OFFLINE, "snakemake", "--report", "snakemake_report.zip")
    assert done.returncode == 0, done.stdout
    with zipfile.ZipFile(tree.folder / "snakemake_report.zip") as report:
        held = {name.rpartition("/")[2]: report.read(name) for name in report.namelist() if "/data/raw/" in name}
    made = ("data/folds/tiny/folds.png", "results/tiny/report.html", "results/tiny/tables/scores.csv")
    assert held == {name.rpartition("/")[2]: (tree.folder / name).read_bytes() for name in made}


def test_the_plots_of_dvc_are_the_figures_and_load_nothing_else(tree):
    done = tree.run(*OFFLINE, "dvc", "plots", "show")
    assert done.returncode == 0, done.stdout
    assert "http://" not in (page := (tree.folder / "dvc_plots/index.html").read_text()) and "https://" not in page
    shown = {path.read_bytes() for path in (tree.folder / "dvc_plots/static").iterdir()}
    made = [tree.folder / "data/folds/tiny/folds.png", *(tree.folder / "results/tiny/figures").glob("*.png")]
    assert shown == {path.read_bytes() for path in made}
