"""Brings one delivered raster to the grid of a scene, block by block.

It is cleaned on its own grid first and then resampled, unless each of its pixels is one of the scene.
"""

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.errors import DataError
from img2height.io.grid import Grid
from img2height.io.pixels import read_pixels
from img2height.io.projections import metres_per_unit, reproject_bounds
from img2height.io.rasters import Band, Scratch, bounded_cache, copy_to_cog, create_scratch, height_band, open_raster
from img2height.io.warping import warped
from img2height.scenes.sources import Source
from img2height.settings.dataset import Backscatter
from img2height.vocabulary.layers import LAYERS, MISSING, NODATA

LOWEST_M, HIGHEST_M = -1000.0, 9000.0
COARSER = 1.5  # from this ratio of pixel sizes on, a target pixel is the mean of the pixels that it covers
MARGIN_PX = 4
POWER: dict[Backscatter, Callable[[np.ndarray], np.ndarray]] = {  # from the stored values
    "decibel": lambda values: 10 ** (values / 10),
    "intensity": lambda values: values,
    "amplitude": np.square,
}


def bring_to_grid(source: Source, grid: Grid, path: Path, *, may_be_empty: bool = False) -> None:
    """Write one layer as a COG on the grid; pixels outside the source are missing.

    Images and heights are interpolated bilinearly (averaged if the grid is coarser) without mixing in missing pixels,
    radar as intensity and written in decibels; masks take the nearest class.

    Args:
        source: the checked raster.
        grid: the grid of the scene.
        path: the COG.
        may_be_empty: write it if no pixel is valid, instead of an error.

    Raises:
        DataError: no overlap with the grid, no valid pixel, or implausible heights.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".warp.") as folder, open_raster(source.path) as dataset:
        clean, made = Path(folder) / "clean.tif", Path(folder) / "made.tif"
        window = source_window(source, dataset, grid)
        with bounded_cache(), rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
            if Grid.of(dataset).aligned_with(_shifted(source, grid)):
                valid = _copy(source, dataset, grid, made)
            else:
                _clean(source, dataset, window, clean)
                valid = _warp(source, clean, grid, made)
        if not valid and not may_be_empty:
            raise DataError(
                f"{source.path}: layer {source.name} has no valid pixel in the extent of the image; "
                "check its nodata, its CRS and that it is the right file"
            )
        with bounded_cache():
            copy_to_cog(made, path, categorical=source.kind == "mask")


def source_window(source: Source, dataset: DatasetReader, grid: Grid) -> Window:
    """Return the part of a source that a grid needs, or raise a DataError if they do not overlap."""
    own, shifted = Grid.of(dataset), _shifted(source, grid)
    needed = reproject_bounds(shifted.bounds, own.crs, grid.crs, shifted.place, back=True)
    window = own.window_of(needed)
    inside = own.clip(window)
    if not inside.width or not inside.height:
        raise DataError(
            f"{source.path}: layer {source.name} covers {_box(dataset.bounds)}, the image {_box(needed)} "
            f"({dataset.crs.to_string()}); they do not overlap: check the files and their CRS"
        )
    return own.around(window, MARGIN_PX)[0]


def _box(bounds: tuple[float, float, float, float]) -> str:
    west, south, east, north = bounds
    return f"x {west:.6g} to {east:.6g}, y {south:.6g} to {north:.6g}"


def _shifted(source: Source, grid: Grid) -> Grid:
    """Return the grid in the coordinates of the layer before the layer is moved."""
    east, north = source.shift_m
    return grid.moved(-east, -north)


def _clean(source: Source, dataset: DatasetReader, window: Window, path: Path) -> None:
    """Write the needed part on the source's own grid with one nodata convention and heights in metres."""
    part = Grid.of(dataset).crop(window)
    marks: set[float] = set()
    with _create(source, part, source.dtype, path) as out:
        for block in part.blocks():
            there = Window(block.col_off + window.col_off, block.row_off + window.row_off, block.width, block.height)
            _write(source, out, *_cleaned(source, dataset, there, marks), block)


def _copy(source: Source, dataset: DatasetReader, grid: Grid, path: Path) -> int:
    """Write a raster whose pixels are those of the grid, cleaned, and return how many are valid."""
    own, marks, total = Grid.of(dataset), set[float](), 0
    step = ~own.transform @ _shifted(source, grid).transform
    with _create(source, grid, source.dtype, path) as out:
        for block in grid.blocks():
            there = Window(block.col_off + round(step.c), block.row_off + round(step.f), block.width, block.height)
            seen = own.clip(there)
            valid = np.zeros((block.height, block.width), bool)
            values = np.zeros((len(source.bands), *valid.shape), out.dataset.dtypes[0])
            if seen.width and seen.height:
                top, left = int(seen.row_off - there.row_off), int(seen.col_off - there.col_off)
                part = np.s_[top : top + int(seen.height), left : left + int(seen.width)]
                values[:, *part], valid[part] = _cleaned(source, dataset, seen, marks)
            _write(source, out, _as_written(source, values, valid), valid, block)
            total += int(valid.sum())
    return total


def _cleaned(
    source: Source, dataset: DatasetReader, window: Window, marks: set[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return values of a window in the unit and type of the scene, CxHxW or HxW, and where they are valid, HxW bool.

    Args:
        source: the checked raster.
        dataset: open.
        window: inside it.
        marks: of a mask, the values other than 0 that were seen so far; those of the window are added.
    """
    values, valid = _valid_values(source, dataset, window)
    if source.shift is not None:
        values = values + source.shift.at(Grid.of(dataset), window)
    if source.kind == "mask":
        values = _marked(source, values)
        marks |= set(np.unique(values[valid]).tolist()) - {0}
        _require_one_mark(source, marks)
        values = (values != 0).astype(np.uint8)
    return values, valid


def _as_written(source: Source, values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return intensities as decibels, and other values as they are."""
    return 10 * np.log10(np.where(valid, values, 1)) if source.kind == "backscatter" else values


def _marked(source: Source, values: np.ndarray) -> np.ndarray:
    """Return a mask as delivered, HxW, or made from the classes that belong to it, 0 and 1.

    Args:
        source: the mask.
        values: CxHxW.
    """
    if not source.classes:
        return values[0]
    belongs = [(values == np.reshape(value, (-1, 1, 1))).all(axis=0) for value in source.classes]
    return np.any(belongs, axis=0).astype(np.uint8)


def _require_one_mark(source: Source, marks: set[float]) -> None:
    """Raise a DataError if a mask holds several values other than 0, because it is unclear which one means missing."""
    if len(marks) > 1:
        found = ", ".join(f"{mark:g}" for mark in sorted(marks)[:4])
        raise DataError(
            f"{source.path}: layer {source.name} marks with several values, {found}; if one means missing, "
            f"declare it in the dataset file, e.g. nodata: {max(marks):g}, else write one value for {source.name}"
        )


def _valid_values(source: Source, dataset: DatasetReader, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Return values CxHxW in the type of the scene and where they are valid, HxW bool."""
    values, valid = read_pixels(dataset, source.indexes, window, source.nodata)
    if source.valid_range is not None:
        low, high = source.valid_range
        valid &= ((values >= low) & (values <= high)).all(axis=0)
    if source.kind == "mask":
        return values, valid
    if source.kind == "backscatter" and source.backscatter is not None:
        return _intensity(source.backscatter, values, valid)
    if source.is_image:
        return values, valid
    metres = np.where(valid, values, 0).astype(np.float64) * source.metres
    _refuse_strange(source, values[0][(metres[0] < LOWEST_M) | (metres[0] > HIGHEST_M)])
    return metres.astype(np.float32), valid


def _intensity(written: Backscatter, values: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return intensities, which may be averaged, and where they are valid: 0 is not an echo but outside the strip."""
    values = np.where(valid, values, 1).astype(np.float64)
    intensity = POWER[written](values).astype(np.float32)
    return intensity, valid & (intensity > 0).all(axis=0)


def _refuse_strange(source: Source, values: np.ndarray) -> None:
    if values.size:
        found, counts = np.unique(values, return_counts=True)
        value, count = found[counts.argmax()], counts.max()
        raise DataError(
            f"{source.path}: layer {source.name} has heights below {LOWEST_M:g} or above {HIGHEST_M:g} m, the first is "
            f"{value:.9g}, {count} times: if that means missing, declare nodata: {value:.9g} in the dataset file "
            "or write it into the raster (gdal_edit.py -a_nodata), else correct the unit"
        )


def _create(source: Source, grid: Grid, dtype: str, path: Path) -> AbstractContextManager[Scratch]:
    if source.kind == "backscatter":
        return create_scratch(path, grid, [Band(name, "dB") for name in source.bands], "float32")
    if source.is_image:
        return create_scratch(path, grid, [Band(name) for name in source.bands], dtype)
    if source.kind == "height":
        return create_scratch(path, grid, [height_band(LAYERS[source.name].holds)], "float32", NODATA)
    return create_scratch(path, grid, [Band(source.name)], "uint8", MISSING)


def _write(source: Source, out: Scratch, values: np.ndarray, valid: np.ndarray, window: Window) -> None:
    if source.is_image:
        out.write(np.where(valid, values, 0).astype(values.dtype), window)
        out.write_mask(valid, window)
    else:
        out.write(np.where(valid, values, np.asarray(out.dataset.nodata, values.dtype)), window)


def _warp(source: Source, clean: Path, grid: Grid, path: Path) -> int:
    """Write the cleaned raster on the grid and return how many pixels are valid."""
    shifted = _shifted(source, grid)
    total = 0
    with open_raster(clean) as dataset, _create(source, grid, dataset.dtypes[0], path) as out, warped(
        dataset, shifted, _resampling(source, Grid.of(dataset), shifted), add_alpha=source.is_image
    ) as there:  # fmt: skip
        for block in grid.blocks():
            values = there.read(list(range(1, len(source.bands) + 1)), window=block)  # C x H x W
            # GDAL derives no mask from an alpha band of floating-point type, so the band itself is read.
            mask = there.read(there.count, window=block) if source.is_image else there.dataset_mask(window=block)
            valid = mask > 0
            _write(source, out, _as_written(source, values, valid), valid, block)
            total += int(valid.sum())
    return total


def _resampling(source: Source, own: Grid, grid: Grid) -> Resampling:
    if source.kind == "mask":
        return Resampling.nearest
    coarser = grid.gsd_m > COARSER * own.side_in(grid.crs) * metres_per_unit(grid.crs)
    return Resampling.average if coarser else Resampling.bilinear
