"""The training itself as a table: row n is the n-th training sample."""

import geopandas
import numpy as np
import pandas
import shapely

from img2height.errors import TrainingError
from img2height.samples.augment import SYMMETRIES
from img2height.tiles.areas import covered

CORNER = ["col_off", "row_off"]


def plan_samples(
    tiles: pandas.DataFrame, areas: geopandas.GeoDataFrame, *, samples: int, seed: int, dihedral: bool, jitter: bool
) -> pandas.DataFrame:
    """Return the training samples in their order: n, dataset, scene, col_off, row_off, size_px, transform, seed.

    Each pass over the training tiles is a new permutation, so that every tile is seen equally often.

    Args:
        tiles: the training tiles of one fold: dataset, scene, col_off, row_off, size_px.
        areas: the training areas of that fold: dataset, scene, geometry in pixels.
        samples: how many rows.
        seed: same seed, same table.
        dihedral: draw one of the eight symmetries for each sample.
        jitter: move the corner by up to half a tile, as long as the tile stays inside the training area.

    Raises:
        TrainingError: there is no training tile.
    """
    if tiles.empty:
        raise TrainingError("this fold has no training tile; check roles, split and buffer")
    rng = np.random.default_rng([seed, 1])
    order = _passes(len(tiles), samples, rng)
    plan = tiles[["dataset", "scene", "col_off", "row_off", "size_px"]].iloc[order].reset_index(drop=True)
    plan.insert(0, "n", np.arange(samples))
    if jitter:
        _shift_corners(plan, areas, rng)
    plan["transform"] = rng.integers(SYMMETRIES, size=samples) if dihedral else 0
    plan["seed"] = rng.integers(np.iinfo(np.int64).max, size=samples)
    return plan


def _passes(tiles: int, samples: int, rng: np.random.Generator) -> np.ndarray:
    passes = -(-samples // tiles)
    return np.concatenate([rng.permutation(tiles) for _ in range(passes)])[:samples]


def _shift_corners(plan: pandas.DataFrame, areas: geopandas.GeoDataFrame, rng: np.random.Generator) -> None:
    """Move corners in place; a shift that would leave the training area is not made."""
    reach = plan["size_px"].to_numpy() // 2
    moved = plan.assign(**{axis: plan[axis] + rng.integers(-reach, reach + 1) for axis in CORNER})
    inside = np.zeros(len(plan), bool)
    for (dataset, scene), group in areas.groupby(["dataset", "scene"]):
        here = ((plan["dataset"] == dataset) & (plan["scene"] == scene)).to_numpy()
        inside[here] = covered(shapely.union_all(group.geometry.to_numpy()), moved[here])
    plan.loc[inside, CORNER] = moved.loc[inside, CORNER]
