"""Checks delivered layers before anything is made from them: CRS, unit, bands, nodata."""

import math
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.errors import CRSError
from rasterio.io import DatasetReader

from img2height.errors import DataError
from img2height.io.bands import stated_bands
from img2height.io.grid import Grid
from img2height.io.mosaics import require_alike
from img2height.io.pixels import require_one_type, value_type
from img2height.io.projections import fitting_zone, reproject_bounds, require_system, require_true_scale
from img2height.io.rasters import open_raster
from img2height.io.values import Scaling, require_upward, stated_unit, stated_units
from img2height.io.verticals import HeightShift, Vertical, vertical_of
from img2height.settings.dataset import Backscatter, Layer, TargetGrid
from img2height.vocabulary.layers import Kind, layer_of
from img2height.vocabulary.units import METRES

VIEW_BAND = "pan"
IMAGE_TYPES = ("uint8", "uint16", "float32")


@dataclass(frozen=True)
class Source:
    """One delivered raster that passed the checks.

    Attributes:
        name: layer of the scene.
        path: the file.
        kind: image, view (an image of one band), backscatter (an image in decibels), height or mask.
        bands: names in order, without an alpha band.
        indexes: their positions in the file, from 1.
        dtype: type of its values.
        metres: length of one unit of the values in metres; 1 except for heights.
        nodata: the declared value; None: as the file says, which may have one for each band, or a mask instead.
        shift_m: metres east and north by which the layer is moved.
        scaling: conversion of the stored numbers to values, as stated in the file.
        vertical: vertical system of heights, stated in the file or declared, if any.
        backscatter: scale of radar values.
        classes: of a mask, the values in all bands that belong to it; empty: any but 0.
        cell: of heights, which of the points in a pixel it shows, if declared, or stated by `img2height grid`.
        valid_range: smallest and largest value, in the unit of the layer; others are missing.
        shift: what is added to heights to convert them to another vertical system.
        converted: name of that system.
    """

    name: str
    path: Path
    kind: Kind
    bands: list[str]
    indexes: list[int]
    dtype: str
    metres: float
    nodata: float | None
    shift_m: tuple[float, float]
    scaling: Scaling
    vertical: Vertical | None = None
    backscatter: Backscatter | None = None
    classes: tuple[tuple[int, ...], ...] = ()
    cell: str | None = None
    valid_range: tuple[float, float] | None = None
    shift: HeightShift | None = None
    converted: str = ""

    @property
    def applied(self) -> dict[str, Any]:
        """What was applied to the stored numbers, for the manifest: plain values, empty if nothing was."""
        found: dict[str, Any] = {"vertical": self.vertical.name} if self.vertical else {}
        if self.cell:
            found["cell"] = self.cell
        if self.converted:
            found["converted_to"] = self.converted
        if not self.scaling.is_none:
            found |= {"scales": list(self.scaling.scales), "offsets": list(self.scaling.offsets)}
        return found if self.metres == 1 else {**found, "metres_per_unit": self.metres}

    @property
    def is_image(self) -> bool:
        """Whether missing pixels are marked by a mask, not by a value."""
        return self.kind in ("image", "view", "backscatter")


def check_raster(name: str, layer: Layer, raw: Path, allow: Container[str] = ()) -> Source:
    """Return the checked source of one raster layer.

    Args:
        name: raster layer of the scene.
        layer: the declaration in the dataset file.
        raw: folder of the delivered files.
        allow: checks that are skipped, as in a dataset file.

    Raises:
        DataError: the file is missing or not a raster, or lacks a CRS, unit or band names that are needed.
    """
    kind, path = layer_of(name).kind, raw / layer.path
    with open_raster(path) as dataset:
        require_system(dataset.crs, f"{path}, layer {name}")
        require_alike(dataset, heights=kind == "height")
        nodata = dataset.nodata if layer.nodata is None else layer.nodata
        bands = _bands(name, kind, layer, dataset)
        require_one_type(dataset, dataset.indexes)
        classes = _classes(layer)
        indexes = _colours(dataset) if kind in ("image", "backscatter") or _coloured(classes) else [1]
        metres = _metres(name, layer, dataset, allow) if kind == "height" else 1.0
        system = vertical_of(dataset, layer.vertical) if kind == "height" else None
        source = Source(
            name, path, kind, bands, indexes, value_type(dataset, indexes), metres, layer.nodata, layer.shift_m,
            Scaling.of(dataset, indexes), system, layer.backscatter, classes,
            layer.cell or dataset.tags().get("IMG2HEIGHT_CELL"), layer.valid_range,
        )  # fmt: skip
    if kind == "mask" and nodata == 0 and not classes:
        raise DataError(
            f"{path}: layer {name} marks 0 as nodata, so that no pixel is marked as not {name}; "
            "declare another nodata in the dataset file, e.g. nodata: 255"
        )
    if kind == "backscatter" and layer.backscatter is None:
        raise DataError(
            f"{path}: the scale of the values of layer {name} is not stated; declare it in the dataset file, e.g. "
            f"backscatter: decibel (one of {', '.join(get_args(Backscatter))})"
        )
    return source


def _classes(layer: Layer) -> tuple[tuple[int, ...], ...]:
    return tuple((value,) if isinstance(value, int) else tuple(value) for value in layer.classes or ())


def _coloured(classes: tuple[tuple[int, ...], ...]) -> bool:
    return len(next(iter(classes), ())) > 1


def _bands(name: str, kind: Kind, layer: Layer, dataset: DatasetReader) -> list[str]:
    if kind in ("image", "backscatter"):
        return _image_bands(layer, dataset)
    if kind == "view":
        _check_image_type(dataset)
        return one_band(name, dataset, VIEW_BAND)
    if kind == "mask" and _coloured(_classes(layer)):
        if len(_colours(dataset)) != 3:
            raise DataError(f"{dataset.name}: layer {name} declares colours as classes, but has {dataset.count} bands")
        return [name]
    return one_band(name, dataset, name)


def _image_bands(layer: Layer, dataset: DatasetReader) -> list[str]:
    _check_image_type(dataset)
    colours = _colours(dataset)
    stated = stated_bands(dataset)
    names = layer.bands if layer.bands is not None else [stated[index - 1] for index in colours]
    if len(names) != len(colours) or not all(names) or len(set(names)) != len(names):
        found = "none" if not any(names) else ", ".join(name or "?" for name in names)
        raise DataError(
            f"{dataset.name}: the image has {len(colours)} bands, named: {found}; name each band in the dataset file, "
            "e.g. bands: [red, green, blue]"
        )
    return list(names)


def _colours(dataset: DatasetReader) -> list[int]:
    """Return the indexes of the bands that are not alpha bands, from 1; alpha may be between them."""
    return [
        index for index, role in zip(dataset.indexes, dataset.colorinterp, strict=True) if role != ColorInterp.alpha
    ]


def _check_image_type(dataset: DatasetReader) -> None:
    if dataset.dtypes[0] not in IMAGE_TYPES:
        raise DataError(
            f"{dataset.name}: image of type {dataset.dtypes[0]}; convert it to one of {', '.join(IMAGE_TYPES)}"
        )


def one_band(name: str, dataset: DatasetReader, band: str) -> list[str]:
    """Return the name of the only band of a raster, or raise a DataError if it has several."""
    if dataset.count != 1:
        raise DataError(f"{dataset.name}: layer {name} has {dataset.count} bands instead of one; extract the right one")
    return [band]


def _metres(name: str, layer: Layer, dataset: DatasetReader, allow: Container[str]) -> float:
    """Return the length of the unit of heights in metres."""
    require_upward(dataset)
    if dataset.dtypes[0] == "uint8" and Scaling.of(dataset, [1]).is_none and "eight_bits" not in allow:
        raise DataError(
            f"{dataset.name}: layer {name} has 8 bits and no scale, so it is a picture of heights, or full metres; use "
            "the heights themselves, or set allow: [eight_bits] for the scene in the dataset file"
        )
    if layer.unit is None:
        if (stated := stated_unit(dataset)) is None:
            raise DataError(
                f"{dataset.name}: layer {name} has no unit; declare it in the dataset file, e.g. unit: metre "
                f"(one of {', '.join(METRES)})"
            )
        return METRES[stated]
    units = stated_units(dataset)
    if units and layer.unit not in units and "unit" not in allow:
        raise DataError(
            f"{dataset.name}: layer {name} is declared in {layer.unit}, but the file states {' and '.join(units)}; "
            "correct the declaration, or, if the file is wrong, set allow: [unit] for the scene in the dataset file"
        )
    return METRES[layer.unit]


def target_grid(image: Path, wanted: TargetGrid) -> Grid:
    """Return the grid of a scene: that of the image, or a north-up grid with the wanted CRS and pixel size.

    Args:
        image: the delivered layer that defines the grid, which has a CRS.
        wanted: CRS and pixel size requested by the dataset, if any.

    Raises:
        DataError: the CRS is not a valid one, or its axes are not in metres.
    """
    with open_raster(image) as dataset:
        grid = Grid.of(dataset)
        crs = _metric(wanted.crs, grid, image)
        bounds = reproject_bounds(grid.bounds, grid.crs, crs, grid.place)
        require_true_scale(crs, bounds, str(image))
        if wanted.gsd_m is None and crs == grid.crs and grid.is_north_up:
            return grid
    gsd = wanted.gsd_m or grid.side_in(crs)
    west, south, east, north = bounds
    width, height = (max(1, math.ceil(extent / gsd - 1e-6)) for extent in (east - west, north - south))
    return Grid.north_up(crs, west, north, gsd, (height, width))


def _metric(wanted: str | None, grid: Grid, image: Path) -> CRS:
    try:
        crs = CRS.from_user_input(wanted) if wanted else grid.crs
    except CRSError as error:
        raise DataError(f"grid: {wanted!r} is not a valid CRS ({error}); write e.g. EPSG:32633") from error
    if crs.is_projected and abs(crs.linear_units_factor[1] - 1) < 1e-9:
        return crs
    unit = crs.linear_units if crs.is_projected else "degrees"
    raise DataError(
        f"{image}: the axes of {crs.to_string()} are {unit}, but a scene needs metres; add to the dataset file "
        f"grid: {{crs: {fitting_zone(grid.bounds, grid.crs)}, gsd_m: …}}"
    )
