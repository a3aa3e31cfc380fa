"""Tiles far apart become scenes of their own, with the heights that belong to them."""

from pathlib import Path

import numpy as np
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
