"""Mosaics and sheets: every file where it belongs, gaps that are missing, chips that no tile crosses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from raw_cases import NORTH, UTM, WEST, write

from img2height.errors import DataError
from img2height.importing.laying import Laid, lay_out, on_a_sheet, on_the_ice, on_the_map
from img2height.io.grid import Grid
from img2height.io.mosaics import require_alike
from img2height.io.pixels import read_pixels
from img2height.io.projections import require_true_scale
from img2height.io.rasters import open_raster
from img2height.io.values import vertical
from img2height.io.vrt import write_mosaic, write_stack
from img2height.tiles.index import tile_offsets


def square(path: Path, value: float, column: int, row: int, dtype: str = "uint8", **options: object) -> Path:
    """Write 8 x 8 px of one value, at a place that counts from the first square."""
    array = np.full((8, 8), value, dtype)
    write(path, array, west=WEST + 8 * column, north=NORTH - 8 * row, **options)
    return path


def read(laid: Laid, folder: Path, **how: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return values and validity of the mosaic of a layer."""
    write_mosaic(folder / "m.vrt", laid.grid, laid.parts, crs=laid.crs, **how)
    with open_raster(folder / "m.vrt") as raster:
        require_alike(raster, heights=False)
        values, valid = read_pixels(raster, [1], nodata=how.get("nodata"))  # as preparation does
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


@pytest.mark.parametrize("nodata", [None, 0])
@pytest.mark.parametrize("ratio", [None, 0.5])
def test_a_gap_of_the_last_part_shows_the_one_below(tmp_path: Path, nodata: float | None, ratio: float | None) -> None:
    """The second part overlaps four columns of the first, and two of these are missing in it."""
    below = square(tmp_path / "a.tif", 100, 0, 0, nodata=nodata)
    above = np.full((8, 8), 200, np.uint8)
    above[:, :2] = 0
    write(tmp_path / "b.tif", above, west=WEST + 4, nodata=nodata)
    if nodata is None:
        with rasterio.open(tmp_path / "b.tif", "r+") as raster:
            raster.write_mask(above > 0)
    values, valid = read(on_the_map([below, tmp_path / "b.tif"], None), tmp_path, ratio=ratio)
    assert valid.all()
    assert (values == np.repeat([100, 200], 6) * (ratio or 1)).all()


def masked(path: Path, columns: int, west: float, value: int = 100, nodata: float | None = 0) -> Path:
    """Write 8 x 8 px whose first columns are 255 and masked, and whose first row is 0, which the mask replaces."""
    array = np.full((8, 8), value, np.uint8)
    array[:, :columns] = 255
    array[0] = 0
    write(path, array, west=WEST + west, nodata=nodata)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as raster:
        raster.write_mask(np.repeat([[False, True]], [columns, 8 - columns], axis=1).repeat(8, axis=0))
    return path


@pytest.mark.parametrize("step", [8, 6])
def test_masks_of_the_parts_replace_their_nodata(tmp_path: Path, step: int) -> None:
    """With a step of 6, the masked columns of the second part show those of the first below it."""
    files = [masked(tmp_path / "a.tif", 2, 0), masked(tmp_path / "b.tif", 2, step, 200)]
    values, valid = read(on_the_map(files, None), tmp_path)
    assert valid[:, 2:8].all() and valid[:, 10:].all() and not valid[:, :2].any()
    assert valid[:, 8:10].all() == (step == 6)
    assert not values[0][valid[0]].any() and (values[1:, 2:8] == 100).all() and (values[1:, 10:] == 200).all()


def test_declared_nodata_counts_beside_the_masks(tmp_path: Path) -> None:
    """The second part has no mask, and other nodata than was declared."""
    files = [masked(tmp_path / "a.tif", 2, 0), square(tmp_path / "b.tif", 7, 1, 0, nodata=7)]
    values, valid = read(on_the_map(files, None), tmp_path, nodata=0)
    assert not valid[0, :8].any() and not valid[:, :2].any()
    assert valid[1:, 2:8].all() and valid[:, 8:].all() and (values[:, 8:] == 7).all()


def test_a_mask_beside_nodata_alone_is_refused(tmp_path: Path) -> None:
    files = [square(tmp_path / "a.tif", 7, 0, 0, nodata=0), masked(tmp_path / "b.tif", 2, 8)]
    with pytest.raises(DataError, match=r"b\.tif has a mask, which .*, and .*a\.tif only nodata \(0\.0\)"):
        read(on_the_map(files, None), tmp_path)


def test_missing_pixels_stay_missing_whatever_the_ratio(tmp_path: Path) -> None:
    array = np.full((8, 8), 500, np.int16)
    array[0] = -9999
    write(tmp_path / "a.tif", array, nodata=-9999)
    values, valid = read(on_the_map([tmp_path / "a.tif"], None), tmp_path, ratio=0.01)
    assert not valid[0].any() and valid[1:].all()
    assert (values[1:] == 5).all()


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


def test_a_mosaic_may_lie_in_a_linked_folder_and_sees_its_parts_through_links(tmp_path: Path) -> None:
    for folder in ("delivered", "another/disk/made"):
        (tmp_path / folder).mkdir(parents=True)
    square(tmp_path / "delivered/a.tif", 7, 0, 0)
    for link, folder in (("files", "delivered"), ("made", "another/disk/made")):
        (tmp_path / link).symlink_to(tmp_path / folder)
    values, _ = read(on_the_map([tmp_path / "files/a.tif"], None), tmp_path / "made")
    assert (values == 7).all()
    read(on_the_map([tmp_path / "files/a.tif"], None), tmp_path)
    assert ">files/a.tif<" in (tmp_path / "m.vrt").read_text()


@pytest.mark.parametrize(("dtype", "value"), [("int64", -5), ("uint64", 5)])
def test_parts_may_have_64_bits(tmp_path: Path, dtype: str, value: int) -> None:
    files = [square(tmp_path / f"{n}.tif", n * value, n, 0, dtype, nodata=0) for n in (1, 2)]
    values, valid = read(on_the_map(files, None), tmp_path)
    assert (values.dtype, values[0, [0, 15]].tolist(), valid.all()) == (dtype, [value, 2 * value], True)


def test_complex_numbers_are_refused(tmp_path: Path) -> None:
    files = [square(tmp_path / f"{n}.tif", 1, n, 0, "complex64") for n in (0, 1)]
    with pytest.raises(DataError, match=r"0\.tif: a mosaic of complex64 is not supported; convert its parts to one of"):
        read(on_the_map(files, None), tmp_path)


def test_the_system_of_files_that_state_none_is_declared(tmp_path: Path) -> None:
    file = square(tmp_path / "a.tif", 1, 0, 0, crs=None)
    assert on_the_map([file], UTM).grid.crs.to_epsg() == 32633
    with pytest.raises(DataError, match=r"a\.tif: has no coordinate reference system"):
        on_the_map([file], None)


def test_the_vertical_system_of_the_files_stays(tmp_path: Path) -> None:
    files = [square(tmp_path / f"{n}.tif", 1, n, 0, "float32", crs="EPSG:32633+7837") for n in (0, 1)]
    laid = on_the_map(files, None)
    write_mosaic(tmp_path / "m.vrt", laid.grid, laid.parts, crs=laid.crs)
    with open_raster(tmp_path / "m.vrt") as raster:
        assert vertical(raster.crs).name == "DHHN2016 height"


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
    values, valid = read(on_a_sheet(sheet, pieces, "eo", grid), tmp_path)
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
    chip = square(tmp_path / "a.tif", 1, 0, 0)
    sheet = lay_out({f"{n:03}": {"eo": chip} for n in range(300)})
    sheets = {f"s{n}": sheet for n in range(40)}
    extents = []
    for dataset in ("gbh", "dfc2019"):
        for grid in on_the_ice(dataset, sheets, dict.fromkeys(sheets, 30.0)).values():
            require_true_scale(grid.crs, grid.bounds, "sheet")
            extents.append(grid.to_map(grid.extent))
    assert not any(a.intersects(b) for n, a in enumerate(extents) for b in extents[:n])


@pytest.mark.parametrize("colours", [4, 0])
def test_a_fourth_band_that_is_declared_as_a_colour_is_not_alpha(tmp_path: Path, colours: int) -> None:
    """GDAL marks the fourth of four 8-bit bands as alpha, and infrared is 0 on water."""
    files = []
    for number in (0, 2):
        stack = np.full((4, 8, 8), 9, np.uint8)
        stack[3, :4] = 0
        write(tmp_path / f"{number}.tif", stack, west=WEST + 8 * number)
        files.append(tmp_path / f"{number}.tif")
    laid = on_the_map(files, None)
    write_mosaic(tmp_path / "m.vrt", laid.grid, laid.parts, bands=["red", "green", "blue", "nir"][:colours])
    with open_raster(tmp_path / "m.vrt") as raster:
        assert (raster.colorinterp[3] == ColorInterp.alpha) == (colours == 0)
        _, valid = read_pixels(raster, raster.indexes[: colours or 3])
    assert valid.sum() == (128 if colours else 64)
    assert not valid[:, 8:16].any()


NAMES = ["red", "green", "blue"]
BGR = [ColorInterp.blue, ColorInterp.green, ColorInterp.red]


def coloured(path: Path, column: int, colours: list[ColorInterp] | None = None, names: list[str] | None = None) -> Path:
    """Write 8 x 8 px of three bands, or as many as there are colours."""
    write(path, np.full((len(colours or NAMES), 8, 8), 9, np.uint8), west=WEST + 8 * column, names=names)
    if colours:
        with rasterio.open(path, "r+") as raster:
            raster.colorinterp = colours
    return path


@pytest.mark.parametrize(
    ("one", "other", "bands", "found"),
    [
        ({}, {"colours": BGR}, [], "red, green, blue.*blue, green, red"),
        ({}, {"colours": BGR}, NAMES, "red, green, blue.*blue, green, red"),
        ({}, {"names": ["NIR", "Red", "Green"]}, [], "red, green, blue.*nir, red, green"),
        ({}, {"names": ["NIR", "Red", "Green"]}, NAMES, "red, green, blue.*nir, red, green"),
        ({}, {"names": ["NIR", "Red", "Green"]}, ["nir", "red", "green"], ""),
        ({}, {"names": ["Red", "Green", "Blue"]}, [], ""),
        ({"names": ["a_1", "a_2", "a_3"]}, {"names": ["b_1", "b_2", "b_3"]}, [], "a_1, a_2, a_3.*b_1, b_2, b_3"),
        ({"names": ["a_1", "a_2", "a_3"]}, {"names": ["b_1", "b_2", "b_3"]}, NAMES, ""),
        ({"names": ["a_1", "a_2", "a_3"]}, {"names": ["b_1", "b_2", "b_3"]}, None, ""),
    ],
)
def test_images_with_bands_in_another_order_are_refused(
    tmp_path: Path, one: dict, other: dict, bands: list[str] | None, found: str
) -> None:
    files = [
        coloured(tmp_path / f"{name}.tif", n, **keys) for n, (name, keys) in enumerate({"a": one, "b": other}.items())
    ]
    if not found:
        assert read(on_the_map(files, None), tmp_path, bands=bands)[1].all()
        return
    with pytest.raises(DataError, match=rf"a\.tif \({found}\) differ in their bands; bring them into one order"):
        read(on_the_map(files, None), tmp_path, bands=bands)


def test_infrared_beside_alpha_is_refused_unless_all_bands_are_declared(tmp_path: Path) -> None:
    alpha = [*BGR[::-1], ColorInterp.alpha]
    files = [
        coloured(tmp_path / "a.tif", 0, [*BGR[::-1], ColorInterp.undefined]),
        coloured(tmp_path / "b.tif", 1, alpha),
    ]
    for bands in ([], NAMES):
        with pytest.raises(DataError, match=r"blue, not stated\) and .*b\.tif \(red, green, blue, alpha\)"):
            read(on_the_map(files, None), tmp_path, bands=bands)
    read(on_the_map(files, None), tmp_path, bands=[*NAMES, "nir"])
    with open_raster(tmp_path / "m.vrt") as raster:
        assert ColorInterp.alpha not in raster.colorinterp


def test_infrared_of_0_is_valid_in_each_part_if_all_bands_are_declared(tmp_path: Path) -> None:
    for name, colour in (("a", ColorInterp.undefined), ("b", ColorInterp.alpha)):
        coloured(tmp_path / f"{name}.tif", int(name == "b"), [*BGR[::-1], colour])
        with rasterio.open(tmp_path / f"{name}.tif", "r+") as raster:
            raster.write(np.zeros((8, 8), np.uint8), 4)
    files = [tmp_path / "a.tif", tmp_path / "b.tif"]
    assert read(on_the_map(files, None), tmp_path, bands=[*NAMES, "nir"])[1].all()


def test_bands_in_files_of_their_own_become_one_image(tmp_path: Path) -> None:
    write(tmp_path / "fine.tif", np.arange(64, dtype=np.uint16).reshape(8, 8) + 1)
    write(tmp_path / "coarse.tif", np.arange(16, dtype=np.uint16).reshape(4, 4) + 1, gsd=2.0)
    with open_raster(tmp_path / "fine.tif") as raster:
        grid = Grid.of(raster)
    files = {"red": tmp_path / "fine.tif", "re1": tmp_path / "coarse.tif"}
    write_stack(tmp_path / "s.vrt", grid, files, nodata=0)
    with open_raster(tmp_path / "s.vrt") as raster:
        assert raster.descriptions == ("red", "re1")
        assert raster.nodata == 0
        red, coarse = raster.read()
    assert (red == np.arange(64).reshape(8, 8) + 1).all()
    assert (coarse == np.kron(np.arange(16).reshape(4, 4) + 1, np.ones((2, 2)))).all()
    write(tmp_path / "coarse.tif", np.ones((4, 4), np.uint8), gsd=2.0)
    with pytest.raises(DataError, match=r"coarse\.tif: has 1 bands of uint8; expected one of uint16"):
        write_stack(tmp_path / "s.vrt", grid, files, nodata=0)
