"""Mosaics and sheets: every file where it belongs, gaps that are missing, chips that no tile crosses."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from raw_cases import NORTH, UTM, WEST, write

from img2height.errors import DataError
from img2height.importing.laying import Laid, lay_out, on_the_ice, on_the_map, sheet_parts
from img2height.io.mosaics import require_alike
from img2height.io.pixels import read_pixels
from img2height.io.projections import require_true_scale
from img2height.io.rasters import open_raster
from img2height.io.vrt import write_mosaic
from img2height.tiles.index import tile_offsets


def square(path: Path, value: float, column: int, row: int, dtype: str = "uint8", **options: object) -> Path:
    """Write 8 x 8 px of one value, at a place that counts from the first square."""
    array = np.full((8, 8), value, dtype)
    write(path, array, west=WEST + 8 * column, north=NORTH - 8 * row, **options)
    return path


def read(laid: Laid, folder: Path, **how: float) -> tuple[np.ndarray, np.ndarray]:
    """Return values and validity of the mosaic of a layer."""
    write_mosaic(folder / "m.vrt", laid.grid, laid.parts, **how)
    with open_raster(folder / "m.vrt") as raster:
        require_alike(raster, heights=False)
        values, valid = read_pixels(raster, [1])
    return values[0], valid


@pytest.mark.parametrize("nodata", [None, 0])
def test_tiles_lie_where_they_belong_and_gaps_are_missing(tmp_path: Path, nodata: float | None) -> None:
    places = {(0, 0): 10, (2, 0): 30, (1, 2): 120}
    files = [square(tmp_path / f"{v}.tif", v, *place, nodata=nodata) for place, v in places.items()]
    values, valid = read(on_the_map(files, None), tmp_path)
    assert values.shape == (24, 24)
    assert valid.sum() == 3 * 64
    for (column, row), value in places.items():
        assert (values[8 * row : 8 * row + 8, 8 * column : 8 * column + 8] == value).all()


def test_parts_with_different_nodata_need_a_declaration(tmp_path: Path) -> None:
    files = [square(tmp_path / "a.tif", 7, 0, 0, nodata=7), square(tmp_path / "b.tif", 9, 2, 0)]
    with pytest.raises(DataError, match=r"a\.tif and .*b\.tif have different nodata \(7\.0 and None\)"):
        read(on_the_map(files, None), tmp_path)
    values, valid = read(on_the_map(files, None), tmp_path, nodata=7)
    assert valid[:, 16:].all() and not valid[:, :16].any()
    assert (values[:, 16:] == 9).all()


def test_a_ratio_is_applied_once_and_scale_and_offset_stay(tmp_path: Path) -> None:
    files = [square(tmp_path / "a.tif", 100, 0, 0), square(tmp_path / "b.tif", 200, 1, 0)]
    values, _ = read(on_the_map(files, None), tmp_path, ratio=0.25)
    assert values.dtype == np.float32
    assert values[0, [0, 15]].tolist() == [25, 50]


@pytest.mark.parametrize(
    ("options", "words"),
    [({"crs": "EPSG:32634"}, "EPSG:32634"), ({"gsd": 1.01}, "1.01 m"), ({"dtype": "uint16"}, "uint16")],
)
def test_files_that_do_not_fit_are_refused_and_named(tmp_path: Path, options: dict, words: str) -> None:
    files = [square(tmp_path / "a.tif", 1, 0, 0), square(tmp_path / "b.tif", 1, 1, 0, **options)]
    with pytest.raises(DataError, match=rf"a\.tif.*b\.tif.*{words}"):
        read(on_the_map(files, None), tmp_path)


def test_the_system_of_files_that_state_none_is_declared(tmp_path: Path) -> None:
    file = square(tmp_path / "a.tif", 1, 0, 0, crs=None)
    assert on_the_map([file], UTM).grid.crs.to_epsg() == 32633
    with pytest.raises(DataError, match=r"a\.tif: has no coordinate reference system"):
        on_the_map([file], None)


def test_files_without_a_place_are_refused(tmp_path: Path) -> None:
    profile = {"driver": "PNG", "width": 8, "height": 8, "count": 1, "dtype": "uint8"}
    with rasterio.open(tmp_path / "a.png", "w", **profile) as out:
        out.write(np.ones((1, 8, 8), np.uint8))
    with pytest.raises(DataError, match="has no place on the map"):
        on_the_map([tmp_path / "a.png"], UTM)


def test_no_tile_up_to_the_size_of_a_chip_shows_two_chips(tmp_path: Path) -> None:
    pieces = {f"{n:02}": {"eo": square(tmp_path / f"{n}.tif", n + 1, 0, 0)} for n in range(5)}
    sheet = lay_out(pieces)
    grid = on_the_ice("d", {"s": sheet}, {"s": 1.0})["s"]
    values, valid = read(Laid(grid, sheet_parts(sheet, pieces, "eo")), tmp_path)
    assert sorted(set(values[valid])) == [1, 2, 3, 4, 5]
    assert valid.sum() == 5 * 64
    for size in (2, 5, 8):
        for row in tile_offsets(grid.height, size, 1):
            for column in tile_offsets(grid.width, size, 1):
                seen = np.s_[row : row + size, column : column + size]
                assert len(set(values[seen][valid[seen]])) <= 1
    assert sheet.chips[3][:5] == ("03", 0, 16, 8, 8)
    assert sheet.chips[3].crs == UTM


def test_sheets_do_not_overlap_and_pixels_keep_their_size(tmp_path: Path) -> None:
    pieces = {f"{n:03}": {"eo": square(tmp_path / "a.tif", 1, 0, 0)} for n in range(300)}
    sheets = {f"s{n}": lay_out(pieces) for n in range(40)}
    extents = []
    for dataset in ("gbh", "dfc2019"):
        for grid in on_the_ice(dataset, sheets, dict.fromkeys(sheets, 30.0)).values():
            require_true_scale(grid.crs, grid.bounds, "sheet")
            extents.append(grid.to_map(grid.extent))
    assert not any(a.intersects(b) for n, a in enumerate(extents) for b in extents[:n])
