"""The sampling plan of a training as a table: row n is the n-th training sample."""

from collections.abc import Sequence

import geopandas
import numpy as np
import pandas

from img2height.errors import TrainingError
from img2height.io.tables import by_columns
from img2height.samples.augment import CHANNEL_ORDERS
from img2height.samples.missing import LeftOut
from img2height.samples.positions import draw_positions
from img2height.settings.recipe import Augmentation, Sampling
from img2height.tiles.areas import covered
from img2height.vocabulary.tiles import CORNER, SCENE, WINDOW

VIEWS = ["first", "second"]


def plan_samples(
    tiles: pandas.DataFrame, areas: geopandas.GeoDataFrame, *, samples: int, seed: int, symmetries: Sequence[int],
    augmentation: Augmentation, sampling: Sampling, pairs: pandas.DataFrame | None = None,
    left_out: LeftOut | None = None,
) -> pandas.DataFrame:  # fmt: skip
    """Return the training samples in order: n, dataset, scene, col_off, row_off, size_px, transform, seed.

    With pairs also the numbers of the views, `first` and `second`; with colour changes `channels` and `gray`; with
    optional inputs `without`, the names of those that are left out. Each pass over the training tiles (or positions,
    and over their pairs) is a new permutation, so that all are used equally often.

    Args:
        tiles: the training tiles of one fold: dataset, scene, col_off, row_off, size_px.
        areas: the training areas of that fold: dataset, scene, geometry in pixels.
        samples: number of rows.
        seed: the same seed gives the same table.
        symmetries: numbers of the allowed ones, see `drawn_symmetries`.
        augmentation: `jitter` moves the corner by up to half a tile, as long as the tile stays inside the training
            area; `permute_views` swaps the views of a pair at random.
        sampling: tiles of the index or drawn positions, all pairs or one.
        pairs: the training pairs: dataset, scene, first and, for methods with two views, second.
        left_out: the inputs that may be left out, if there are any.

    Raises:
        TrainingError: there is no training tile, or the training area has too few positions.
    """
    if tiles.empty:
        raise TrainingError("this fold has no training tile; check roles, split and buffer")
    rng = np.random.default_rng([seed, 1])
    if sampling.positions:
        tiles = draw_positions(areas, int(tiles["size_px"].iloc[0]), sampling.positions, rng)
    places = tiles[WINDOW]
    if pairs is not None:
        places = pair_up(places, pairs, rng if sampling.pairs == "one" else None)
    copies = sampling.offline or samples
    plan = places.iloc[_passes(len(places), copies, rng)].reset_index(drop=True)
    if augmentation.jitter:
        _shift_corners(plan, areas, rng)
    _augment(plan, symmetries, augmentation, rng)
    if left_out:
        plan["without"] = left_out.draw(plan, rng)
    if sampling.offline:
        plan = plan.iloc[_passes(copies, samples, rng)].reset_index(drop=True)
    plan.insert(0, "n", np.arange(samples))
    return plan


def _augment(
    plan: pandas.DataFrame, symmetries: Sequence[int], augmentation: Augmentation, rng: np.random.Generator
) -> None:
    """Draw the augmentation of each row in place."""
    samples = len(plan)
    plan["transform"] = rng.choice(symmetries, size=samples) if len(symmetries) > 1 else symmetries[0]
    plan["seed"] = rng.integers(np.iinfo(np.int64).max, size=samples)
    if augmentation.channel_swap:
        swapped = rng.random(samples) < augmentation.channel_swap
        plan["channels"] = np.where(swapped, rng.integers(len(CHANNEL_ORDERS), size=samples), 0)
    if augmentation.grayscale:
        plan["gray"] = rng.random(samples) < augmentation.grayscale
    if augmentation.permute_views and "second" in plan:
        swapped = rng.random(samples) < 0.5
        plan.loc[swapped, VIEWS] = plan.loc[swapped, VIEWS[::-1]].to_numpy()


def pair_up(
    places: pandas.DataFrame, pairs: pandas.DataFrame, rng: np.random.Generator | None = None
) -> pandas.DataFrame:
    """Return each position once per pair of its scene, or with one randomly drawn pair.

    Args:
        places: dataset, scene, and further columns.
        pairs: dataset, scene, and the views of each pair.
        rng: draws one pair per position; None takes all pairs.
    """
    order = places.assign(place=np.arange(len(places)))
    paired = order.merge(pairs, on=SCENE).sort_values("place", kind="stable")
    if rng is not None:
        shuffled = paired.iloc[rng.permutation(len(paired))]
        paired = shuffled.drop_duplicates("place").sort_values("place")
    return paired.drop(columns="place").reset_index(drop=True)


def _passes(tiles: int, samples: int, rng: np.random.Generator) -> np.ndarray:
    passes = -(-samples // tiles)
    return np.concatenate([rng.permutation(tiles) for _ in range(passes)])[:samples]


def _shift_corners(plan: pandas.DataFrame, areas: geopandas.GeoDataFrame, rng: np.random.Generator) -> None:
    """Move corners in place; a shift that would leave the training area is omitted."""
    reach = plan["size_px"].to_numpy() // 2
    moved = plan.assign(**{axis: plan[axis] + rng.integers(-reach, reach + 1) for axis in CORNER})
    inside = np.zeros(len(plan), bool)
    for (dataset, scene), group in by_columns(areas, SCENE):
        here = ((plan["dataset"] == dataset) & (plan["scene"] == scene)).to_numpy()
        inside[here] = covered(group.geometry.union_all(), moved[here])
    plan.loc[inside, CORNER] = moved.loc[inside, CORNER]
