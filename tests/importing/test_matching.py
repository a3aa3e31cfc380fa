"""File names become layers, scenes and pieces."""

import re
from pathlib import Path

import pytest

from img2height.errors import DataError
from img2height.importing.matching import MOSAICS, as_name, by_patterns, gather, in_sheets, regular


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.mark.parametrize(
    ("pattern", "name", "groups"),
    [
        ("{scene}/ortho_{tile}.tif", "town/ortho_12_34.tif", {"scene": "town", "tile": "12_34"}),
        ("*/dsm.tif", "town/dsm.tif", {}),
        ("**dsm.tif", "a/b/dsm.tif", {}),
        ("{scene}/{scene}_dsm.tif", "a/a_dsm.tif", {"scene": "a"}),
        ("dsm (1).tif", "dsm (1).tif", {}),
        ("{scene}/{scene}_dsm.tif", "a/b_dsm.tif", None),
        ("*.tif", "a/dsm.tif", None),
    ],
)
def test_patterns(pattern: str, name: str, groups: dict[str, str] | None) -> None:
    found = re.fullmatch(regular(pattern), name)
    assert (found.groupdict() if found else None) == groups


def test_files_are_gathered_by_scene_and_piece_in_any_case(tmp_path: Path) -> None:
    touch(tmp_path, "B/x_1_RGB.TIF", "B/x_1_dsm.tif", "B/x_2_rgb.tif", "a/x_1_rgb.tif", ".hidden/x_9_rgb.tif")
    touch(tmp_path, f"{MOSAICS}/x_9_rgb.tif")
    patterns = {layer: rf"(?P<scene>[^/]+)/x_(?P<tile>\d)_{layer}\.tif" for layer in ("rgb", "dsm")}
    found = gather(tmp_path, patterns)
    assert {scene: {piece: sorted(files) for piece, files in pieces.items()} for scene, pieces in found.items()} == {
        "a": {"1": ["rgb"]}, "b": {"1": ["dsm", "rgb"], "2": ["rgb"]},
    }  # fmt: skip


def test_files_of_no_scene_belong_to_all_scenes_with_their_piece(tmp_path: Path) -> None:
    touch(tmp_path, "a/1_rgb.tif", "b/2_rgb.tif", "dgm/1.tif", "dgm/2.tif", "dgm/3.tif")
    patterns = {"eo": r"(?P<scene>[ab])/(?P<tile>\d)_rgb\.tif", "dtm": r"dgm/(?P<tile>\d)\.tif"}
    found = gather(tmp_path, patterns)
    assert found["a"] == {"1": {"eo": tmp_path / "a/1_rgb.tif", "dtm": tmp_path / "dgm/1.tif"}}
    assert list(found["b"]) == ["2"]


def test_two_files_of_one_layer_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "x_2021.tif", "x_2022.tif")
    with pytest.raises(DataError, match=r"x_2021\.tif and .*x_2022\.tif are both layer eo of scene all"):
        gather(tmp_path, {"eo": r"x_\d+\.tif"})


def test_a_scene_that_is_not_named_has_the_name_of_the_adapter(tmp_path: Path) -> None:
    touch(tmp_path, "x.tif")
    (scene,) = by_patterns({"eo": r"x\.tif"}, {"eo": {}}, whole="berlin", crs="EPSG:25833")(tmp_path).items()
    assert scene[0] == "berlin"
    assert scene[1].crs == "EPSG:25833"


@pytest.mark.parametrize(
    ("text", "name"), [("North Side-1", "north_side_1"), ("Köln", "koeln"), ("--", "all"), ("a" * 99, "a" * 64)]
)
def test_names(text: str, name: str) -> None:
    assert as_name(text) == name


def test_sheets_have_a_few_hundred_chips() -> None:
    pieces = {f"{n:04}": {"eo": Path("a.tif")} for n in range(600)}
    sheets = list(in_sheets(pieces))
    assert [(number, len(chips)) for number, chips in sheets] == [(0, 256), (1, 256), (2, 88)]
    assert [chip for _, chips in sheets for chip in chips] == list(pieces)
