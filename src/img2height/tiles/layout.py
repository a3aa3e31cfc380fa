"""Divides one place into stripes, blocks or fractions, as integer boxes in pixel coordinates."""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from img2height.errors import FoldError
from img2height.io.grid import Grid
from img2height.scenes.scene import Scene
from img2height.settings.protocol import Split
from img2height.vocabulary.parts import PARTS

PartAreas = dict[str, BaseGeometry]


class SceneParts(NamedTuple):
    """A scene and the area of each part in it, in its pixel coordinates."""

    scene: Scene
    areas: PartAreas


def divide(grid: Grid, split: Split, fold: int) -> PartAreas:
    """Return the area of each part of one place in one fold, before any buffer; parts share borders, never pixels.

    Args:
        grid: the grid of a scene, or one that holds all scenes of the place.
        split: the strategy.
        fold: with stripes and blocks, test is number `fold`, validation the next one, training the rest.

    Raises:
        FoldError: the place is too small for that many stripes or blocks, or the fractions overlap.
    """
    if split.strategy == "fraction":
        return _fractions(grid, split)
    if split.strategy == "random":
        return _random(grid, split)
    cells = _blocks(grid, split) if split.strategy == "blocks" else _stripes(grid, split)
    areas: dict[str, list[BaseGeometry]] = {part: [] for part in PARTS}
    for number, cell in cells:
        areas[turn(number, fold, split.n_folds)].append(cell)
    return {part: shapely.union_all(boxes) for part, boxes in areas.items()}


def turn(number: int, fold: int, count: int) -> str:
    """Return the part of piece `number` of `count`: test if it is the fold's number, val for the next, else train."""
    return {fold: "test", (fold + 1) % count: "val"}.get(number, "train")


def _edges(length: int, count: int) -> list[int]:
    """Return the borders of `count` pieces of whole pixels, as equal as possible."""
    return [round(length * number / count) for number in range(count + 1)]


def _stripes(grid: Grid, split: Split) -> list[tuple[int, shapely.Polygon]]:
    vertical = split.strategy == "vertical_stripes"
    length = grid.width if vertical else grid.height
    edges = _edges(length, split.n_folds)
    if split.n_folds > length:
        raise FoldError(f"{length} px cannot be divided into {split.n_folds} stripes; use fewer folds (split.n_folds)")
    boxes = [(a, 0, b, grid.height) if vertical else (0, a, grid.width, b) for a, b in pairwise(edges)]
    return [(number, shapely.box(*corners)) for number, corners in enumerate(boxes)]


def _blocks(grid: Grid, split: Split) -> list[tuple[int, shapely.Polygon]]:
    """Return squares with their fold: the folds alternate along a row, and each row starts `_row_step` later."""
    counts = [min(length, max(1, round(length * grid.gsd_m / split.block_m))) for length in (grid.width, grid.height)]
    cols, rows = (_edges(length, n) for length, n in zip((grid.width, grid.height), counts, strict=True))
    if math.prod(counts) < split.n_folds:
        raise FoldError(
            f"this scene has {counts[0]} x {counts[1]} blocks of {split.block_m:g} m, but {split.n_folds} folds need "
            "at least one each; use smaller blocks (split.block_m) or fewer folds (split.n_folds)"
        )
    step = _row_step(split.n_folds) if counts[0] >= split.n_folds else counts[0]
    return [
        ((col + step * row) % split.n_folds, shapely.box(west, north, east, south))
        for row, (north, south) in enumerate(pairwise(rows))
        for col, (west, east) in enumerate(pairwise(cols))
    ]


def _row_step(n_folds: int) -> int:
    """Return the smallest step from 2 on that is coprime to the number of folds: a Latin square."""
    return next(step for step in range(2, n_folds + 2) if math.gcd(step, n_folds) == 1)


def _fractions(grid: Grid, split: Split) -> PartAreas:
    along_columns = split.axis == "column"
    length = grid.width if along_columns else grid.height
    areas: PartAreas = {}
    for part in PARTS:
        spans = [(round(a * length), round(b * length)) for a, b in getattr(split.parts, part)]
        boxes = [(a, 0, b, grid.height) if along_columns else (0, a, grid.width, b) for a, b in spans if b > a]
        areas[part] = shapely.union_all([shapely.box(*corners) for corners in boxes])
    shared = sum(area.area for area in areas.values()) - shapely.union_all(list(areas.values())).area
    if shared > 0:
        raise FoldError(
            "split.parts: the intervals of train, val and test overlap; assign each share of the axis to one part"
        )
    return areas


def _random(grid: Grid, split: Split) -> PartAreas:
    """Return randomly assigned squares; the remainder at the right and lower edge is in no part."""
    side = max(1, round(split.block_m / grid.gsd_m))
    cells = [
        shapely.box(col, row, col + side, row + side)
        for row in range(0, grid.height - side + 1, side)
        for col in range(0, grid.width - side + 1, side)
    ]
    counts = [max(1, round(share * len(cells))) for share in (split.shares.test, split.shares.val)]
    if sum(counts) >= len(cells):
        raise FoldError(
            f"this scene has {len(cells)} cells of {split.block_m:g} m, too few for shares of {split.shares.test:g} "
            f"for test and {split.shares.val:g} for validation; use smaller cells (split.block_m)"
        )
    order = np.random.default_rng(split.seed).permutation(len(cells))
    dealt = zip(("test", "val", "train"), np.split(order, np.cumsum(counts)), strict=True)
    return {part: shapely.union_all([cells[n] for n in numbers]) for part, numbers in dealt}
