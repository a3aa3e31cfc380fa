"""The page: one file, nothing from outside, every method and number, the same bytes twice."""

import dataclasses
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas
import pytest

from img2height.errors import DataError
from img2height.report.page import Run, write_report
from img2height.report.scores import format_score, is_score

MOST_BYTES = 10_000_000


def tables_in(folder: Path) -> dict[str, Path]:
    names = ("scores_csv", "scores_md", "strata_csv", "strata_md")
    return {name: folder / name.replace("_", ".") for name in names}


class Outline(HTMLParser):
    """Collects the tags of a page and its visible text."""

    def __init__(self):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def named(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def folders(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    written = []
    for turn in ("one", "two"):
        folder = tmp_path_factory.mktemp(turn)
        write_report(finished, folder / "report.html", folder / "figures", tables_in(folder))
        written.append(folder)
    return written


@pytest.fixture(scope="module")
def text(folders: list[Path]) -> str:
    return (folders[0] / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Outline:
    outline = Outline()
    outline.feed(text)
    return outline


def test_same_inputs_same_bytes(folders: list[Path]):
    one, two = ({p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in folders)
    assert one == two


def test_files(folders: list[Path]):
    names = sorted(path.name for path in (folders[0] / "figures").iterdir())
    parts = ("", "_buildings", "_buildings_detail", "_detail")
    of_methods = [f"{m}_houses{p}.png" for m in ("im2height", "mean_height", "zero_height") for p in parts]
    assert names == sorted([*of_methods, "sensors_houses.png", "sensors_houses_detail.png"])
    assert not [path for path in folders[0].iterdir() if path.name.startswith(".")]
    table = pandas.read_csv(folders[0] / "scores.csv")
    assert table.method.tolist() == ["im2height", "mean_height", "zero_height"]


def test_nothing_comes_from_outside(page: Outline, text: str):
    for tag, attributes in page.tags:
        address = attributes.get("src") or (attributes.get("href") if tag != "a" else None)
        assert address is None or address.startswith("data:"), (tag, address)
    assert {a["href"] for a in page.named("a") if not a["href"].startswith("#")} == {"https://arxiv.org/abs/1802.10249"}
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest", text)
    assert "default-src 'none'" in text


def test_every_method_and_number_is_there(page: Outline, folders: list[Path]):
    words = " ".join(page.words)
    table = pandas.read_csv(folders[0] / "scores.csv")
    for row in table.to_dict("records"):
        assert row["method"] in words
        for column in table.columns:
            if is_score(table, column):
                assert format_score(column, row[column]) in words, (row["method"], column)
    assert "im2height has the lowest RMSE" in words and "% below mean_height" in words
    assert "Where the reference is 20 to 50 m, im2height lies" in words


def test_what_was_run_is_said(page: Outline):
    words = " ".join(page.words)
    for said in (
        "params.tiling.tile_px",
        "recipes.im2height.batch_size",
        "demo/houses",
        "Three houses",
        "CC0-1.0",
        "split",
    ):
        assert said in words


def test_no_path_of_this_machine(text: str, folders: list[Path]):
    written = re.sub(r'"data:[^"]*"', "", text)
    assert str(folders[0].parent) not in written and str(Path.cwd()) not in written


def test_people_who_do_not_see_or_point_can_use_it(page: Outline):
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


def test_a_second_run_replaces_the_pictures(finished: Run, folders: list[Path]):
    folder = folders[1]
    (folder / "figures" / "of_another_run.png").write_bytes(b"")
    write_report(finished, folder / "report.html", folder / "figures", tables_in(folder))
    assert not (folder / "figures" / "of_another_run.png").exists()


def test_missing_files_are_refused(finished: Run):
    with pytest.raises(DataError, match="2 heights for 3 methods"):
        dataclasses.replace(finished, heights=finished.heights[:2])


@pytest.fixture(scope="module")
def refined_folder(refined: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refined")
    write_report(refined, folder / "report.html", folder / "figures", tables_in(folder))
    return folder


def test_a_refinement_is_shown_before_and_after_and_by_pair(refined_folder: Path):
    page = Outline()
    page.feed((refined_folder / "report.html").read_text(encoding="utf-8"))
    words = " ".join(page.words)
    for said in (
        "Before and after resdepth_stereo, by ground", "before: initial_dsm", "after: resdepth_stereo", "matched",
        "filled", "terrain", "Errors of resdepth_stereo by stereo pair", "pair 1", "pooled", "median of the pairs",
        "lowers the RMSE of the initial surface model from 2.00 m to 1.00 m",
    ):  # fmt: skip
        assert said in words, said
    assert "Before and after initial_dsm" not in words
    captions = [image["alt"] for image in page.named("img")]
    assert any("stereo views, initial surface, reference" in caption for caption in captions)
    assert any(
        "median +1.00 m" in caption and "before the refinement median +2.00 m" in caption for caption in captions
    )


def test_errors_by_ground_and_pair_are_a_table(refined_folder: Path):
    table = pandas.read_csv(refined_folder / "strata.csv").set_index(["method", "heights", "stratum"])
    assert table.rmse_m["initial_dsm", "final", "filled"] == 2.0
    assert table.bias_m["resdepth_stereo", "pair 1", "terrain"] == 0.5
    assert table.pixels["resdepth_stereo", "pooled", "all"] == 2 * table.pixels["resdepth_stereo", "final", "all"]
    assert "| resdepth_stereo | pair 2" in (refined_folder / "strata.md").read_text(encoding="utf-8")


def test_terrain_alone_is_reported_without_buildings(terrain: Run, tmp_path: Path):
    write_report(terrain, tmp_path / "report.html", tmp_path / "figures", tables_in(tmp_path))
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"mean_height_hill.png", "sensors_hill.png"}
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Errors in view: median +3.00 m" in text and "by reference height" not in text
