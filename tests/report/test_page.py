"""The page: one file without external resources, all methods and numbers, reproducible bytes."""

import dataclasses
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas
import pytest
from record_cases import numbers_in

from img2height.errors import DataError
from img2height.io.origins import PretrainedEncoder
from img2height.io.rasters import Band, write_cog
from img2height.report.methods_text import methods_text
from img2height.report.origins import origins
from img2height.report.page import Links, TableFiles, write_report
from img2height.report.run import Run
from img2height.report.tables.ranking import all_columns
from img2height.report.tables.scores import COLUMNS, is_score
from img2height.settings.protocol import LEAKS
from img2height.vocabulary.layers import NODATA

MOST_BYTES = 10_000_000


def write_in(folder: Path, run: Run) -> None:
    tables = TableFiles(*(folder / name.replace("_", ".") for name in TableFiles._fields))
    write_report(run, folder / "report.html", folder / "figures", tables, Links("cost.html", "view/index.html"))


class Outline(HTMLParser):
    """Collects the tags of a page, its words, the rows of its named tables, and the `data-` attributes.

    A row has the words of each of its cells; `marked` are the words of elements by one of their `data-` attributes.
    """

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.tables: dict[str, list[list[list[str]]]] = {}
        self.rows: list[list[list[str]]] = []
        self.marked: dict[tuple[str, str], list[str]] = {}
        self._marks: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        marks = [self.marked.setdefault((key, value), []) for key, value in attrs if key.startswith("data-")]
        if tag in ("p", "td"):
            self._marks = marks
            for words in marks:
                words.append("")
        if tag == "table":
            self.rows = self.tables.setdefault(given.get("id", ""), [])
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append([])

    def handle_endtag(self, tag: str) -> None:
        if tag in ("p", "td"):
            self._marks = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        for words in self._marks:
            words[-1] += data
        if data.strip() and self.rows and self.rows[-1]:
            self.rows[-1][-1].append(data)

    def named(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]

    def keys(self, table: str) -> list[str]:
        """Return the first words of the rows of a table, without its head."""
        return [row[0][0] for row in self.tables[table][1:]]


@pytest.fixture(scope="module")
def text(written: list[Path]) -> str:
    return (written[0] / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Outline:
    return Outline(text)


def test_same_inputs_give_the_same_bytes_and_old_files_are_removed(written: list[Path]):
    one, two = ({p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in written)
    assert one == two


def test_files(written: list[Path]):
    names = sorted(path.name for path in (written[0] / "figures").iterdir())
    parts = ("", "_buildings", "_buildings_detail", "_detail")
    of_methods = [f"{m}_houses{p}.png" for m in ("im2height", "mean_height", "zero_height") for p in parts]
    of_methods += [f"im2height_tile_{kind}{n}.png" for kind in ("best", "worst") for n in (1, 2)]
    assert names == sorted([*of_methods, "glance.png", "sensors_houses.png", "sensors_houses_detail.png"])
    assert not [path for path in written[0].iterdir() if path.name.startswith(".")]
    table = pandas.read_csv(written[0] / "scores.csv")
    assert table.method.tolist() == ["im2height", "mean_height", "zero_height"]


def test_there_are_no_external_resources(page: Outline, text: str):
    for tag, attributes in page.tags:
        address = attributes.get("src") or (attributes.get("href") if tag != "a" else None)
        assert address is None or address.startswith("data:"), (tag, address)
    outside = {a["href"] for a in page.named("a") if not a["href"].startswith("#")}
    assert outside == {"https://arxiv.org/abs/1802.10249", "cost.html", "view/index.html"}
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest", text)
    assert "default-src 'none'" in text


def test_every_method_and_number_is_there(page: Outline, written: list[Path]):
    words = " ".join(page.words)
    table = pandas.read_csv(written[0] / "scores.csv")
    for row in table.to_dict("records"):
        assert row["method"] in words
        for column in table.columns:
            if is_score(table, column):
                assert COLUMNS[column].text(row[column]) in words, (row["method"], column)


def test_the_main_finding_comes_first(page: Outline, written: list[Path]):
    kinds = [value for key, value in page.marked if key == "data-finding"]
    assert kinds[0] == "best" and {"gain over the baseline", "tall"} <= set(kinds)
    table = pandas.read_csv(written[0] / "scores.csv").set_index("method")
    (best,) = page.marked["data-finding", "best"]
    assert "im2height" in best and round(table.all_rmse_m["im2height"], 2) in numbers_in(best)


def test_the_numbers_are_those_of_the_metrics_file(finished: Run, page: Outline, written: list[Path]):
    table = pandas.read_csv(written[0] / "scores.csv").set_index("method")
    columns = [column for _, group in all_columns(table.reset_index()) for column in group]
    rows = {row[0][0]: row[1:] for row in page.tables["score-table"][2:]}
    assert len(rows) == 3 and len(columns) > 15
    for method, cells in rows.items():
        (scores,) = finished.metrics.seeds(method)
        for (group, score), cell in zip(columns, cells, strict=True):
            if score.kind != "derived":
                value = float("nan") if (found := scores.group(group)[score.name]) is None else found
                assert cell[0] == score.text(value), (method, group, score)
                assert table[f"{group}_{score.name}"][method] == pytest.approx(value, rel=1e-15, nan_ok=True)
            if score.kind == "errors" and score.name in ("rmse_m", "mae_m", "bias_m"):
                low, high = (score.text(value + shift) for shift in (-0.1, 0.1))
                assert cell[1].startswith(low) and cell[1].endswith(high)


def test_verdicts_state_which_differences_are_significant(page: Outline):
    verdicts = {kind: words for (key, kind), words in page.marked.items() if key == "data-verdict"}
    assert verdicts.keys() == {"best", "worse", "ties"}
    assert [numbers_in(*verdicts[kind]) for kind in ("worse", "ties")] == [[0.003], [0.4]]
    methods = [row[0][0] for row in page.tables["headline-table"][2:]]
    assert methods == ["im2height", "mean_height", "zero_height"]
    assert ("data-row", "buildings_tall") in page.marked


def test_the_methods_can_be_pasted_with_their_numbers(text: str):
    pasted = text[text.index('<div class="paste">') :]
    paragraphs = re.findall(r"<p>(.*?)</p>", pasted[: pasted.index("</div>")])
    assert len(paragraphs) == 4
    assert "40,000" in paragraphs[1] and "64 × 64" in paragraphs[1]
    assert 2 in numbers_in(paragraphs[0]) and 64 in numbers_in(paragraphs[3])


def test_the_origins_are_there(page: Outline):
    origins = dict(zip(page.keys("versions"), (row[1][0] for row in page.tables["versions"][1:]), strict=True))
    assert origins["version of torch"] and origins["code of train"] == "0123456789abcdef"
    assert len(origins["SHA-256 of recipe of im2height"]) == 64
    assert page.keys("layers-demo-houses") == ["eo", "ndsm", "dtm", "building"]


def test_settings_and_data_are_listed(page: Outline):
    assert page.keys("changes") == ["params.tiling.tile_px", "recipes.im2height.batch_size"]
    assert "tiling.tile_px" in page.keys("protocol") and "network" in page.keys("recipe-im2height")
    words = " ".join(page.words)
    assert all(said in words for said in ("demo/houses", "Three houses", "CC0-1.0", "split"))


def test_no_path_of_this_machine(text: str, written: list[Path]):
    shown = re.sub(r'"data:[^"]*"', "", text)
    assert str(written[0].parent) not in shown and str(Path.cwd()) not in shown


def test_the_page_is_accessible(page: Outline):
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert all(len(image["alt"]) > 20 for image in page.named("img"))
    assert len(page.named("caption")) == len(page.named("table"))
    assert all("scope" in head for head in page.named("th") if head.get("class") != "corner")
    assert page.named("html")[0]["lang"] == "en" and page.named("main") and page.named("nav")
    targets = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert {link["href"][1:] for link in page.named("a") if link["href"].startswith("#")} <= targets
    assert all(box.get("tabindex") == "0" for box in page.named("div") if "scroll" in box.get("class", ""))


def test_page_is_small(text: str):
    assert len(text) < MOST_BYTES


def test_missing_files_are_refused(finished: Run):
    files = dict(finished.files)
    one = files["im2height"]
    for changed, lacking in (
        (dataclasses.replace(one, predicted=[]), "demo/houses"),
        (dataclasses.replace(one, histories={0: one.histories[0]}), "fold 1"),
    ):
        with pytest.raises(DataError, match=f"files of im2height are missing for {lacking};"):
            dataclasses.replace(finished, files={**files, "im2height": changed})
    del files["im2height"]
    with pytest.raises(DataError, match="files of im2height are missing for demo/houses, fold 0, fold 1"):
        dataclasses.replace(finished, files=files)


@pytest.fixture(scope="module")
def refined_folder(refined: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refined")
    write_in(folder, refined)
    return folder


def test_a_refinement_is_shown_before_and_after_and_by_pair(refined_folder: Path):
    page = Outline((refined_folder / "report.html").read_text(encoding="utf-8"))
    (text,) = page.marked["data-finding", "refined"]
    assert "resdepth_stereo" in text and numbers_in(text) == [2.0, 1.0]
    assert {("data-row", row) for row in ("matched", "filled", "terrain")} <= page.marked.keys()
    assert len(page.tables["pairs-resdepth_stereo"][2:]) == 4  # two pairs, pooled, and their median
    assert "refined-resdepth_stereo" in page.tables and "refined-initial_dsm" not in page.tables
    errors = [numbers_in(image["alt"]) for image in page.named("img")]
    assert any({1.0, 2.0} <= set(found) for found in errors)  # the median errors after and before


def test_errors_by_land_cover_and_pair_are_a_table(refined_folder: Path):
    table = pandas.read_csv(refined_folder / "strata.csv").set_index(["method", "heights", "stratum"])
    assert table.rmse_m["initial_dsm", "final", "filled"] == 2.0
    assert table.bias_m["resdepth_stereo", "pair 1", "terrain"] == 0.5
    assert table.pixels["resdepth_stereo", "pooled", "all"] == 2 * table.pixels["resdepth_stereo", "final", "all"]
    assert "| resdepth_stereo | pair 2" in (refined_folder / "strata.md").read_text(encoding="utf-8")


def test_images_unlike_the_training_are_a_table(terrain: Run, tmp_path: Path):
    """Of four tiles one is not scored, and one is above 2."""
    grid = terrain.scenes[0].grid
    write_cog(tmp_path / "u.tif", np.array([[0.5, 1], [np.nan, 4]], np.float32), grid.coarser(40), [Band("u")],
              nodata=NODATA)  # fmt: skip
    files = terrain.files["mean_height"]
    scored = dataclasses.replace(files, predicted=[files.predicted[0]._replace(unfamiliar=tmp_path / "u.tif")])
    write_in(tmp_path, dataclasses.replace(terrain, files=terrain.files | {"mean_height": scored}))
    row = pandas.read_csv(tmp_path / "unfamiliar.csv").iloc[0].to_dict()
    expected = {"method": "mean_height", "scene": "land/hill", "tiles": 3, "share": 1 / 3, "median": 1, "largest": 4}
    assert row == pytest.approx(expected)
    assert 'id="unfamiliar-table"' in (tmp_path / "report.html").read_text(encoding="utf-8")
    write_in(tmp_path, terrain)
    assert pandas.read_csv(tmp_path / "unfamiliar.csv").empty
    assert "unfamiliar-table" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_every_table_warns_of_a_random_split(terrain: Run, tmp_path: Path):
    split = terrain.params.split.model_copy(update={"strategy": "random"})
    run = dataclasses.replace(terrain, params=terrain.params.model_copy(update={"split": split}))
    write_in(tmp_path, run)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    captions = re.findall(r"<caption>(.*?)</caption>", text)
    assert 'class="warning"' in text and sum(LEAKS in caption for caption in captions) == 2 < len(captions)
    assert LEAKS in (tmp_path / "scores.md").read_text(encoding="utf-8")
    assert pandas.read_csv(tmp_path / "scores.csv").note.tolist() == [LEAKS]
    assert LEAKS in (tmp_path / "strata.md").read_text(encoding="utf-8")
    assert set(pandas.read_csv(tmp_path / "strata.csv").note) == {LEAKS}


def test_results_of_data_that_forbid_commercial_use_say_so(terrain: Run, text: str, tmp_path: Path):
    assert "Not for commercial use" not in text
    about = {name: about.model_copy(update={"licence": "CC BY-NC 4.0"}) for name, about in terrain.about.items()}
    write_in(tmp_path, dataclasses.replace(terrain, about=about))
    assert "made from land (CC BY-NC 4.0)." in (tmp_path / "report.html").read_text()


def test_terrain_alone_is_reported_without_buildings(terrain: Run, tmp_path: Path):
    write_in(tmp_path, terrain)
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"mean_height_hill.png", "sensors_hill.png"}
    page = Outline((tmp_path / "report.html").read_text(encoding="utf-8"))
    (scores,) = (given for given in page.named("section") if "data-intervals" in given)
    assert (scores["data-intervals"], scores["data-blocks"]) == ("few blocks", "0")
    assert "classes-mean_height" not in page.tables
    assert not [item for item in page.named("li") if item.get("id") == "vegetation"]
    assert any(3.0 in numbers_in(image["alt"]) for image in page.named("img"))  # the median error


def test_the_page_states_that_building_scores_use_the_image(text: str):
    (said,) = re.findall(r'<li id="vegetation">(.*?)</li>', text)
    assert numbers_in(said) == [2.5]


def test_the_methods_text_names_initial_weights_without_a_record(finished: Run):
    versions = {"img2height": "1", "torch": "2", "numpy": "2"}
    started = dataclasses.replace(finished, unrecorded={"im2height": ["encoder weights imagenet"]})
    with_record, without = (methods_text(run, versions)[0] for run in (finished, started))
    assert "im2height (encoder weights imagenet)" in without and "imagenet" not in with_record
    assert "in this experiment" in without and "in this experiment" not in with_record  # all that can be claimed


def test_the_provenance_names_package_and_licence_of_pretrained_weights(finished: Run):
    weights = PretrainedEncoder(encoder="lite0", source="lite0-model 0.1.0", sha256="5793", licence="Apache-2.0")
    started = dataclasses.replace(finished, pretrained={"unet": weights})
    name = "encoder weights of unet"
    assert origins(started)[name] == "lite0 from lite0-model 0.1.0, Apache-2.0, SHA-256 5793"
    assert name not in origins(finished)


def test_statistics_of_a_starting_model_are_not_called_those_of_the_training_area(finished: Run):
    versions = {"img2height": "1", "torch": "2", "numpy": "2"}
    recipe = finished.recipes["im2height"].model_copy(update={"init_from": "models/a/im2height/fold0/seed0"})
    started = dataclasses.replace(finished, recipes=finished.recipes | {"im2height": recipe})
    assert "keeps" not in methods_text(finished, versions)[1]
    assert "im2height keeps the statistics" in methods_text(started, versions)[1]
