"""Tiles far apart become scenes of their own, with the heights that belong to them."""

from pathlib import Path

import numpy as np
import pytest
from cloud_cases import write_cloud
from raw_cases import NORTH, WEST, write

from img2height.importing.adapter import Scene
from img2height.importing.apart import divide_places


def tile(path: Path, column: int, row: int = 0, side: int = 8) -> Path:
    """Write a raster at a place that counts in tiles of 8 m."""
    write(path, np.ones((side, side), np.uint8), west=WEST + 8 * column, north=NORTH - 8 * row)
    return path


def scene(folder: Path, columns: list[int], **keys: float) -> Scene:
    """Return a scene of image tiles in these columns, and heights in two large files."""
    pieces = {f"i{column}": {"eo": tile(folder / f"i{column}.tif", column)} for column in columns}
    pieces |= {f"h{column}": {"dsm": tile(folder / f"h{column}.tif", column, side=64)} for column in (0, 96)}
    return Scene(pieces, {"eo": {}, "dsm": {}}, **keys)


def test_distant_tiles_are_scenes_of_their_own(tmp_path: Path) -> None:
    found = divide_places({"town": scene(tmp_path, [0, 1, 3, 96, 97])})
    assert {name: sorted(part.pieces) for name, part in found.items()} == {
        "town_1": ["h0", "i0", "i1", "i3"], "town_2": ["h96", "i96", "i97"],
    }  # fmt: skip


def test_near_tiles_and_chips_stay_together(tmp_path: Path) -> None:
    assert list(divide_places({"town": scene(tmp_path, [0, 1, 3])})) == ["town"]
    assert list(divide_places({"town": scene(tmp_path, [0, 96], chip_gsd_m=1.0)})) == ["town"]


def test_heights_of_the_whole_area_belong_to_all_groups(tmp_path: Path) -> None:
    given = scene(tmp_path, [0, 96])
    write(tmp_path / "wide.tif", np.ones((8, 800), np.uint8), west=WEST, north=NORTH)
    given.pieces["wide"] = {"dsm": tmp_path / "wide.tif"}
    assert all("wide" in part.pieces for part in divide_places({"town": given}).values())


DEGREES, EAST, TOWN = "EPSG:4326", 15.0, 52.35  # WEST and NORTH are about there


def far_apart(folder: Path, **others: Path) -> Scene:
    """Return a scene of two image tiles 20 km apart, and other files by layer and name."""
    pieces = {f"i{n}": {"eo": tile(folder / f"i{n}.tif", column, side=64)} for n, column in enumerate((0, 2500))}
    pieces |= {name: {name.rstrip("0123456789"): path} for name, path in others.items()}
    return Scene(pieces, {"eo": {}, "dsm": {}, "points": {}})


def parts(given: Scene) -> list[list[str]]:
    """Return the pieces of each part of a scene that are no images."""
    return [[name for name in part.pieces if name[0] != "i"] for part in divide_places({"town": given}).values()]


def test_heights_in_another_system_belong_to_the_groups_that_they_overlap(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heights, place = np.ones((40, 40), np.float32), {"crs": DEGREES, "gsd": 0.01}
    write(tmp_path / "both.tif", heights, **place, west=EAST - 0.1, north=TOWN + 0.2)
    write(tmp_path / "first.tif", heights, **place, west=EAST - 0.3, north=TOWN + 0.2)
    write(tmp_path / "none.tif", heights, **place, west=EAST + 9, north=TOWN + 0.2)
    files = {f"dsm{n}": tmp_path / f"{name}.tif" for n, name in enumerate(("both", "first", "none"))}
    assert parts(far_apart(tmp_path, **files)) == [["dsm0", "dsm1"], ["dsm0"]]
    assert f"scene town: left out 1 files that overlap no eo, e.g. {tmp_path / 'none.tif'}" in caplog.text


def test_points_in_another_system_belong_to_the_groups_that_they_overlap(tmp_path: Path) -> None:
    places = {"points0": (408_510, -16_950), "points1": (428_484, -18_610), "points2": (0, 0)}  # on the map of zone 32
    clouds = {
        name: write_cloud(tmp_path / f"{name}.laz", [(*place, 1, 2)], crs="EPSG:25832+7837")
        for name, place in places.items()
    }
    assert parts(far_apart(tmp_path, **clouds)) == [["points0"], ["points1"]]


def test_files_without_a_system_belong_to_all_groups(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path / "dsm.tif", np.ones((8, 8), np.float32), crs=None)
    cloud = write_cloud(tmp_path / "a.laz", [(0, 0, 1, 2)], crs=None)
    assert parts(far_apart(tmp_path, dsm0=tmp_path / "dsm.tif", points0=cloud)) == [["dsm0", "points0"]] * 2
    assert not caplog.text


def test_tiles_in_another_system_are_scenes_of_their_own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name, crs in (("a", "EPSG:32633"), ("b", "EPSG:32632")):
        write(tmp_path / f"{name}.tif", np.ones((8, 8), np.uint8), crs=crs)
    pieces = {name: {"eo": tmp_path / f"{name}.tif"} for name in "ab"}
    found = divide_places({"town": Scene(pieces, {"eo": {}})})
    assert {name: list(part.pieces) for name, part in found.items()} == {"town_1": ["a"], "town_2": ["b"]}
    assert "scene town: its eo has 2 coordinate systems, which become scenes" in caplog.text
