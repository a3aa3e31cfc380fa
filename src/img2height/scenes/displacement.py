"""Measures where an image lies relative to the heights, one offset or a field of offsets, and moves the image back."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rasterio import Env
from rasterio.io import DatasetReader
from rasterio.windows import Window
from scipy.ndimage import map_coordinates

from img2height.errors import DataError
from img2height.io.grid import Grid
from img2height.io.pixels import read_pixels
from img2height.io.rasters import Band, copy_to_cog, create_scratch, open_raster
from img2height.scenes.registration import (
    CONFIDENT,
    WINDOW_PX,
    Offset,
    correlations,
    estimate_offset,
    offset_at_peak,
    spread_windows,
)

Model = Literal["shift", "field"]
MOST_NODES, MOST_WINDOWS = 32, 1024  # of a field: nodes along a side, and windows
WIDTH = 1.0  # standard deviation of the weights of windows around a node, in distances of nodes


@dataclass(frozen=True)
class Displacement:
    """Where the image lies relative to the heights.

    Attributes:
        rows: of the nodes, in pixels; one for a single offset.
        columns: of the nodes, in pixels.
        east_m: offset at each node, rows x columns float64 metres; linear in between.
        north_m: likewise.
        confidence: of each node, see `Offset`; where it is below `CONFIDENT`, the offset is that of the nodes around.
    """

    rows: np.ndarray
    columns: np.ndarray
    east_m: np.ndarray
    north_m: np.ndarray
    confidence: np.ndarray

    def at(self, window: Window, gsd_m: float) -> np.ndarray:
        """Return the offset of each pixel of a window in rows and columns, 2xHxW float64 pixels."""
        places = np.meshgrid(
            _nearest_node(self.rows, np.arange(window.height) + window.row_off + 0.5),
            _nearest_node(self.columns, np.arange(window.width) + window.col_off + 0.5),
            indexing="ij",
        )
        east_m, north_m = (map_coordinates(f, places, order=1, mode="nearest") for f in (self.east_m, self.north_m))
        return np.stack([-north_m, east_m]) / gsd_m

    @property
    def farthest_m(self) -> float:
        """The largest offset along an axis."""
        return float(max(np.abs(self.east_m).max(), np.abs(self.north_m).max()))

    @property
    def record(self) -> dict[str, Any]:
        """What was measured, as plain values for the manifest of a scene."""
        if self.east_m.size == 1:
            values = {"east_m": self.east_m, "north_m": self.north_m, "confidence": self.confidence}
            return {"model": "shift"} | {name: round(float(value.item()), 3) for name, value in values.items()}
        return {"model": "field"} | {name: np.round(value, 3).tolist() for name, value in vars(self).items()}


def _nearest_node(nodes: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return places as fractional numbers of nodes."""
    return np.interp(places, nodes, np.arange(len(nodes)))


def measure(model: Model, image: DatasetReader, heights: DatasetReader, grid: Grid) -> Displacement:
    """Return where an image lies relative to heights above ground on the same grid.

    Args:
        model: shift: one offset; field: offsets at nodes, each from the windows around it.
        image: open.
        heights: open, metres.
        grid: their grid.

    Raises:
        DataError: no peak of the correlation stands out.
    """
    offset = estimate_offset(image, heights, grid.gsd_m)
    if offset is None or not offset.confident:
        found = "no edge" if offset is None else f"confidence {offset.confidence:.2f}, {CONFIDENT} is needed"
        raise DataError(
            f"registration: the offset of the image from the heights cannot be measured here ({found}); remove the "
            "key, or declare a shift (shift_m of eo)"
        )
    if model == "shift":
        middle = np.array([grid.height / 2]), np.array([grid.width / 2])
        return Displacement(*middle, *(np.array([[value]]) for value in vars(offset).values()))
    return _field(image, heights, grid, offset)


def _field(image: DatasetReader, heights: DatasetReader, grid: Grid, whole: Offset) -> Displacement:
    """Return offsets at nodes of a lattice; those that are not confident follow their neighbours."""
    windows = spread_windows(grid.width, grid.height, MOST_WINDOWS)
    step = max(WINDOW_PX, *(length / MOST_NODES for length in grid.shape))
    rows, columns = ((np.arange(n) + 0.5) * length / n for length in grid.shape for n in [max(1, round(length / step))])
    centres = np.array([(w.row_off + w.height / 2, w.col_off + w.width / 2) for w in windows])
    nodes = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    near = np.exp(-np.square((nodes[:, None] - centres) / (WIDTH * step)).sum(axis=-1) / 2)  # nodes x windows
    surfaces = np.stack([found.astype(np.float32) for found in correlations(image, heights, grid.gsd_m, windows)])
    offsets = [offset_at_peak(surface, grid.gsd_m) for surface in np.tensordot(near, surfaces, 1)]
    values = np.array([(o.east_m, o.north_m, o.confidence) if o else (0, 0, 0) for o in offsets])
    values[:, :2] = _from_confident(nodes, values, step, whole)
    return Displacement(rows, columns, *np.moveaxis(values.reshape(len(rows), len(columns), 3), -1, 0))


def _from_confident(nodes: np.ndarray, values: np.ndarray, step: float, whole: Offset) -> np.ndarray:
    """Return the offsets of all nodes, Nx2: their own, or the weighted mean of the confident ones around.

    Args:
        nodes: Nx2 rows and columns.
        values: Nx3 offsets east and north and confidence.
        step: distance of nodes.
        whole: the offset of the whole scene, which counts like a distant node.
    """
    sure = values[:, 2] >= CONFIDENT
    apart = np.square((nodes[:, None] - nodes[sure]) / (WIDTH * step)).sum(axis=-1)
    weights = np.column_stack([np.exp(-apart / 2), np.full(len(nodes), np.exp(-4.5))])  # three steps away
    anchors = np.vstack([values[sure, :2], (whole.east_m, whole.north_m)])
    filled = weights @ anchors / weights.sum(axis=1, keepdims=True)
    return np.where(sure[:, None], values[:, :2], filled)


def move_back(path: Path, grid: Grid, displacement: Displacement) -> None:
    """Resample an image so that it lies on the heights; bilinear, without mixing in missing pixels.

    Args:
        path: COG of the image; replaced.
        grid: its grid.
        displacement: see `measure`.
    """
    scratch = path.with_name(f".{path.name}")
    margin = int(np.ceil(displacement.farthest_m / grid.gsd_m)) + 2
    with Env(GDAL_TIFF_INTERNAL_MASK=True), open_raster(path) as image:
        bands = [Band(name or "", unit or "") for name, unit in zip(image.descriptions, image.units, strict=True)]
        with create_scratch(scratch, grid, bands, image.dtypes[0]) as out:
            for block in grid.blocks():
                window, inside = grid.around(block, margin)
                pixels = read_pixels(image, image.indexes, window)
                places = displacement.at(block, grid.gsd_m) + np.indices((int(block.height), int(block.width)))
                places += np.array([part.start for part in inside])[:, None, None]
                values, valid = _resampled(*pixels, places)
                out.write(values, block)
                out.write_mask(valid, block)
    copy_to_cog(scratch, path)
    scratch.unlink()


def _resampled(values: np.ndarray, valid: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return CxHxW values at fractional rows and columns, 2xHxW, and where they are valid: the nearest pixel is."""
    weight = map_coordinates(valid.astype(np.float32), places, order=1, mode="constant")
    there = map_coordinates(valid, places, order=0, mode="constant") & (weight > 0)
    bands = np.stack(
        [
            map_coordinates(np.where(valid, band, 0).astype(np.float32), places, order=1, mode="constant")
            for band in values
        ]
    )
    found = np.divide(bands, weight, out=np.zeros_like(bands), where=there)
    return (np.rint(found) if values.dtype.kind in "iu" else found).astype(values.dtype), there
