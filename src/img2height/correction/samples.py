"""What a height map says where heights are known: one row per pixel, or per building."""

import logging
from dataclasses import dataclass, fields

import numpy as np
import pandas
import shapely

from img2height.buildings.attributes import INSIDE_PX, eroded
from img2height.correction.control import Control
from img2height.correction.features import GROUND, Map
from img2height.errors import DataError
from img2height.io.areas import area_mask, area_window

logger = logging.getLogger(__name__)

MOST = 10_000  # more would cost without making a correction better
SAME_M = 0.5  # heights of one place that differ by more contradict each other


@dataclass(frozen=True)
class Samples:
    """Known heights, and what the map says there.

    Attributes:
        known_m: N float64.
        height_m: N float64, of the map.
        classes: N uint8, keys of `NAMES`.
        features: NxK float64, see `Map.names`.
        rows: N int64, pixel coordinates.
        columns: N int64.
    """

    known_m: np.ndarray
    height_m: np.ndarray
    classes: np.ndarray
    features: np.ndarray
    rows: np.ndarray
    columns: np.ndarray

    def where(self, chosen: np.ndarray) -> "Samples":
        """Return the chosen samples, by N bool or by numbers."""
        return Samples(*(getattr(self, field.name)[chosen] for field in fields(self)))


def samples_of(control: Control, onto: Map) -> Samples:
    """Return the samples where the map has a height, at most 10,000.

    Points in one pixel count once, with their median. Of a polygon the medians of the pixels inside that do not touch
    its edge are taken; polygons where the map shows the ground are left out, because a building that is not on the map
    does not show how high others are.

    Args:
        control: in pixel coordinates, in metres, see `place`.
        onto: the map.

    Raises:
        DataError: two heights of one place contradict each other, or the map has no height at any of them.
    """
    found = _of_polygons(control, onto) if control.are_polygons else _of_points(control, onto)
    there = np.isfinite(found.height_m)
    if not there.any():
        raise DataError(f"{control.path}: {onto.heights.name} has no valid height at any of {there.size} known heights")
    if not there.all():
        logger.warning("%s: the map has no height at %d of %d places", control.path, (~there).sum(), there.size)
    found = found.where(there)
    if control.are_polygons:
        found = _on_the_map(found, control)
    if len(found.known_m) > MOST:
        logger.info("%s: %d of %d places are used, evenly spaced", control.path, MOST, len(found.known_m))
        found = found.where(np.linspace(0, len(found.known_m) - 1, MOST).round().astype(int))
    return found


def _of_points(control: Control, onto: Map) -> Samples:
    """Return a sample for each pixel with a point, row by row."""
    _require_one_height(control)
    columns, rows = np.floor(shapely.get_coordinates(control.shapes)).astype(np.int64).T
    rows, columns = rows.clip(max=onto.grid.height - 1), columns.clip(max=onto.grid.width - 1)
    pixels = pandas.DataFrame({"row": rows, "column": columns, "known": control.heights})
    merged = pixels.groupby(["row", "column"], as_index=False)["known"].median()
    if len(merged) < len(pixels):
        logger.info("%s: %d heights lie in %d pixels; their medians count", control.path, len(pixels), len(merged))
    rows, columns = merged["row"].to_numpy(), merged["column"].to_numpy()
    features = np.full((len(merged), len(onto.names)), np.nan)
    classes = np.zeros(len(merged), np.uint8)
    for block, places in onto.grid.blocks_with(rows, columns):
        described, pixel = onto.describe(block), (rows[places] - block.row_off, columns[places] - block.col_off)
        features[places], classes[places] = described.features[:, *pixel].T, described.classes[pixel]
    return Samples(merged["known"].to_numpy(), features[:, 0], classes, features, rows, columns)


def _require_one_height(control: Control) -> None:
    """Raise a DataError if two rows state different heights for one place; the returns of a scanner may."""
    if control.is_cloud:
        return
    x, y = shapely.get_coordinates(control.shapes).T
    table = pandas.DataFrame({"x": x, "y": y, "height": control.heights, "row": control.rows})
    ranges = table.groupby(["x", "y"])["height"].agg(["min", "max"])
    wrong = ranges[ranges["max"] - ranges["min"] > SAME_M]
    if len(wrong):
        first = table[(table["x"] == wrong.index[0][0]) & (table["y"] == wrong.index[0][1])]
        rows, heights = (", ".join(f"{value:g}" for value in first[name]) for name in ("row", "height"))
        raise DataError(
            f"{control.path}: rows {rows} state {heights} m for one place, and {len(wrong) - 1} other places have "
            "several heights too; keep one of each"
        )


def _of_polygons(control: Control, onto: Map) -> Samples:
    chosen = np.linspace(0, len(control.shapes) - 1, min(MOST, len(control.shapes))).round().astype(int)
    rows = [_of_polygon(control.shapes[number], onto) for number in chosen]
    features = np.stack([features for features, _ in rows])
    classes = np.array([kind for _, kind in rows], np.uint8)
    places = shapely.get_coordinates(shapely.point_on_surface(control.shapes[chosen]))
    columns, lines = np.floor(places).astype(np.int64).T
    return Samples(control.heights[chosen], features[:, 0], classes, features, lines, columns)


def _of_polygon(polygon: shapely.Polygon, onto: Map) -> tuple[np.ndarray, int]:
    """Return the medians of the features inside a polygon, K float64, and its most frequent class."""
    window = onto.grid.clip(area_window(polygon))
    inside = eroded(area_mask(polygon, window).astype(np.uint8)) > 0
    described = onto.describe(window)
    inside &= np.isfinite(described.height_m)
    if inside.sum() < INSIDE_PX:
        return np.full(len(onto.names), np.nan), GROUND
    kinds = np.bincount(described.classes[inside])
    return np.median(described.features[:, inside], axis=1), int(kinds.argmax())


def _on_the_map(samples: Samples, control: Control) -> Samples:
    """Return the samples of buildings that the map shows."""
    shown = samples.classes != GROUND
    if not shown.all():
        logger.warning(
            "%s: the map shows ground at %d of %d buildings, which are left out",
            control.path,
            (~shown).sum(),
            shown.size,
        )
    if not shown.any():
        raise DataError(
            f"{control.path}: the map shows ground at all {shown.size} buildings, so there is nothing to correct"
        )
    return samples.where(shown)
