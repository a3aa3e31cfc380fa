"""Regions of building pixels divided into buildings, where the height steps or a method sees a wall between buildings.

A region is first cut along all steps by a marker-controlled watershed: Meyer and Beucher (1990),
https://doi.org/10.1016/1047-3203(90)90014-M. Then pieces are joined that no wall divides, that are too small, or that
stand on the roof of another. Each region is divided by its own pixels alone, in whichever window it is read.
"""

from dataclasses import dataclass

import numpy as np
import pandas
from scipy.ndimage import (
    binary_opening,
    distance_transform_edt,
    find_objects,
    generate_binary_structure,
    grey_dilation,
    label,
    maximum_filter,
    minimum_filter,
)
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from skimage.segmentation import watershed

from img2height.buildings.regions import first_pixels

MEDIAN_M = 1.0  # radius of the median that removes noise, chimneys and masts
REACH_M = 1.0  # a step is a difference between pixels so far to either side
RUN_M = 1.5  # length over which the slope beside a step is measured
ALONG_M = 1.0  # steps are averaged over so much of a wall to either side
DIP = 0.2  # fall of the building probability at a wall
WALL = 0.5  # probability of a wall from which on it is one
FLAT = 0.7  # share of a wall's barrier below which pixels lie inside a building
STANDS_OUT = 4.0  # a wall's barrier over its mean inside either building: the heights of a network vary on roofs too
APART = 0.5  # of the mean heights on both sides of a wall, over the larger standard deviation of either
MARKER = 0.25  # of the smallest area: so many pixels without a wall show a building
INSIDE = 0.5  # of the smallest area: so many pixels away from the border show how uneven its heights are
ENCLOSED = 0.5  # share of the outline along one neighbour: such a piece stands on the roof of that neighbour


@dataclass(frozen=True)
class Evidence:
    """What divides buildings, for the pixels of a window.

    Attributes:
        height: HxW float32 metres above ground, NaN where missing.
        probability: HxW float32 building probability of a method, NaN where missing; None if it predicts none.
        wall: HxW float32 probability of a wall between buildings, NaN where missing; None if the method predicts none,
            otherwise it decides alone.
    """

    height: np.ndarray
    probability: np.ndarray | None = None
    wall: np.ndarray | None = None


def split(regions: np.ndarray, evidence: Evidence, gsd_m: float, step_m: float, min_area_m2: float) -> np.ndarray:
    """Return the buildings of regions, numbered from 1 in the order of their first pixels, HxW int32, 0 outside.

    Args:
        regions: HxW int32, numbers of regions of pixels that share edges, 0 outside.
        evidence: what divides buildings.
        gsd_m: ground sampling distance in metres.
        step_m: smallest difference in height between two buildings.
        min_area_m2: smaller pieces are joined to the neighbour with the longest common wall.
    """
    smallest, reach = min_area_m2 / gsd_m**2, _pixels(REACH_M, gsd_m)
    large = np.where((np.bincount(regions.ravel()) >= 2 * smallest)[regions], regions, 0)
    barrier = _barrier(large, evidence, gsd_m, step_m)
    by_height = evidence.probability is None and evidence.wall is None
    pieces = _pieces(large, barrier, smallest, noisy=by_height)
    parts = _joined(pieces, barrier, evidence.height if by_height else None, reach, smallest)
    return numbered(np.where(parts > 0, parts + regions.max(initial=0), regions))


def numbered(labels: np.ndarray) -> np.ndarray:
    """Return labels numbered from 1 in the order of their first pixels, row by row, HxW int32; 0 stays 0."""
    first = first_pixels(labels)
    present = np.flatnonzero(first >= 0)
    numbers = np.zeros(len(first), np.int32)
    numbers[present[np.argsort(first[present])]] = np.arange(1, len(present) + 1)
    return numbers[labels]


def _pixels(metres: float, gsd_m: float) -> int:
    return max(round(metres / gsd_m), 1)


def _barrier(regions: np.ndarray, evidence: Evidence, gsd_m: float, step_m: float) -> np.ndarray:
    """Return how much divides the pixels around each, HxW float32: from 1 on it is a wall; NaN if nothing shows it."""
    from img2height.buildings.kernels import dips_inside, median_inside, steps_inside, strongest_inside

    if evidence.wall is not None:
        return np.where(regions > 0, evidence.wall, np.nan).astype(np.float32) / np.float32(WALL)
    smooth = median_inside(np.asarray(evidence.height, np.float32), regions, _pixels(MEDIAN_M, gsd_m))
    steps = steps_inside(smooth, regions, _pixels(REACH_M, gsd_m), _pixels(RUN_M, gsd_m))
    barrier = strongest_inside(steps, regions, _pixels(ALONG_M, gsd_m)) / np.float32(step_m)
    if evidence.probability is not None:
        dips = dips_inside(np.asarray(evidence.probability, np.float32), regions, _pixels(RUN_M, gsd_m))
        barrier = np.fmax(barrier, dips / np.float32(DIP))
    return barrier


def _pieces(regions: np.ndarray, barrier: np.ndarray, smallest: float, *, noisy: bool) -> np.ndarray:
    """Return the pieces of regions cut along the crests of the barrier, HxW int32; 0 in regions that stay whole.

    Walls continue where the barrier is missing, up to the outline: otherwise a piece would flow around the ends of its
    walls. If the barrier is noisy, its walls may have gaps; see `_apart`.
    """
    crest = grey_dilation(np.nan_to_num(barrier), footprint=generate_binary_structure(2, 1))  # closes gaps of a pixel
    below = (regions > 0) & np.isfinite(barrier) & (crest < FLAT)
    flat = _apart(below) if noisy else label(below)[0]
    flat[(np.bincount(flat.ravel()) < MARKER * smallest)[flat]] = 0
    first = first_pixels(flat)
    several = np.bincount(regions.ravel()[first[first >= 0]], minlength=regions.max(initial=0) + 1) > 1
    cut = several[regions]
    if not cut.any():
        return np.zeros(regions.shape, np.int32)
    markers, flooded = np.where(cut, flat, 0), _continued(barrier, np.where(cut, regions, 0)).astype(np.float64)
    # Markers of one height start in any order, which would depend on what else is in the window.
    flooded[markers > 0] = np.arange(-np.count_nonzero(markers), 0)
    return np.asarray(watershed(flooded, markers, mask=cut))


def _continued(values: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Return the values; what is missing in a region is that of its nearest pixel with a value, if any has one."""
    out = values.copy()
    for number, box in enumerate(find_objects(regions), 1):
        if box is None:
            continue
        inside = regions[box] == number
        missing = inside & np.isnan(values[box])
        if missing.any() and (seen := inside & ~missing).any():
            nearest = distance_transform_edt(~seen, return_distances=False, return_indices=True)
            out[box][missing] = values[box][tuple(nearest[:, missing])]
    return out


def _apart(flat: np.ndarray) -> np.ndarray:
    """Return the numbers of flat areas, HxW int; noise opens gaps in walls, and areas are not connected through them.

    An area that is nowhere three pixels wide is kept as it is.
    """
    wide = np.asarray(binary_opening(flat, generate_binary_structure(2, 1)))
    whole, _ = label(flat)
    has_wide = np.zeros(whole.max(initial=0) + 1, bool)
    has_wide[whole[wide]] = True
    numbers, found = label(wide)
    return np.where(flat & ~has_wide[whole], whole + found, numbers)


def _joined(
    pieces: np.ndarray, barrier: np.ndarray, height: np.ndarray | None, reach: int, smallest: float
) -> np.ndarray:
    """Return the pieces, HxW int32, joined where no wall divides them; None if the heights need not differ."""
    if not pieces.any():
        return pieces
    walls, sizes = _walls(pieces, barrier), _sizes(pieces, barrier, height, reach)
    numbers: np.ndarray = np.arange(len(sizes))
    while len(pairs := _to_join(walls, sizes, smallest)):
        graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(sizes), len(sizes)))
        joined = connected_components(graph, directed=False)[1]  # 0, the outside, stays 0
        numbers, sizes = joined[numbers], sizes.groupby(joined).sum()
        walls = _summed(walls.assign(low=joined[walls["low"]], high=joined[walls["high"]]))
    return numbers.astype(np.int32)[pieces]


def _sizes(pieces: np.ndarray, barrier: np.ndarray, height: np.ndarray | None, reach: int) -> pandas.DataFrame:
    """Return sums over pixels, a row per piece; the outside is piece 0.

    Columns: `area`, how many are `inside`, out of reach of the border, the sum of the `barrier` there; how many have a
    height (`heights`), the sum of these and of their squares. Without heights the last three are 0.
    """
    inside = (pieces > 0) & np.isfinite(barrier)
    for extreme in (minimum_filter, maximum_filter):
        inside &= extreme(pieces, 2 * reach + 1, mode="constant") == pieces
    at, count = pieces[inside], pieces.max() + 1
    there = np.zeros(pieces.shape, bool) if height is None else (pieces > 0) & np.isfinite(height)
    piece, values = pieces[there], np.zeros(0) if height is None else height[there].astype(np.float64)
    return pandas.DataFrame({
        "area": np.bincount(pieces.ravel()),
        "inside": np.bincount(at, minlength=count),
        "barrier": np.bincount(at, barrier[inside], count),
        "heights": np.bincount(piece, minlength=count),
        "height_sum": np.bincount(piece, values, count),
        "square_sum": np.bincount(piece, values**2, count),
    })  # fmt: skip


def _walls(pieces: np.ndarray, barrier: np.ndarray) -> pandas.DataFrame:
    """Return what meets across the sides of pixels, a row per pair of pieces; the outside is piece 0.

    Columns: `low` and `high` number, `sides`, how many of them are `seen` by the barrier, sum of their `barrier`.
    """
    pieces, barrier = np.pad(pieces, 1), np.pad(barrier, 1)
    found = []
    for here, there in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        at = np.nonzero(pieces[here] != pieces[there])
        found.append((pieces[here][at], pieces[there][at], (barrier[here][at] + barrier[there][at]) / 2))
    one, other, height = map(np.concatenate, zip(*found, strict=True))
    seen = np.isfinite(height)
    columns = {"low": one, "high": other, "sides": 1, "seen": seen * 1, "barrier": np.where(seen, height, 0.0)}
    return _summed(pandas.DataFrame(columns))


def _summed(walls: pandas.DataFrame) -> pandas.DataFrame:
    """Return the walls between different pieces, each pair once."""
    low, high = walls[["low", "high"]].min(axis=1), walls[["low", "high"]].max(axis=1)
    walls = walls.assign(low=low, high=high)[low != high]
    return walls.groupby(["low", "high"], as_index=False).sum()


def _to_join(walls: pandas.DataFrame, sizes: pandas.DataFrame, smallest: float) -> np.ndarray:
    """Return the pairs of pieces that are one building, Nx2."""
    both = pandas.concat([walls, walls.rename(columns={"low": "high", "high": "low"})])
    outline = np.bincount(both["low"], both["sides"], minlength=len(sizes))
    inner = both[(both["low"] > 0) & (both["high"] > 0)].sort_values(["low", "high"])
    longest = inner.sort_values("sides", ascending=False, kind="stable").drop_duplicates("low")
    piece = longest["low"]
    unsure = (sizes["heights"] > 0) & (sizes["inside"] < INSIDE * smallest)  # only where heights decide
    small = ((sizes["area"] < smallest) | unsure).to_numpy()[piece]
    dependent = small | (longest["seen"] == 0) | (longest["sides"] > ENCLOSED * outline[piece])
    varies = (sizes["barrier"] / sizes["inside"].clip(lower=1)).to_numpy()
    least = np.fmax(1, STANDS_OUT * np.fmax(varies[inner["low"]], varies[inner["high"]]))
    no_wall = (inner["barrier"] < inner["seen"] * least) | _alike(sizes, inner["low"], inner["high"])
    return pandas.concat([inner[no_wall], longest[dependent]])[["low", "high"]].to_numpy()


def _alike(sizes: pandas.DataFrame, one: pandas.Series, other: pandas.Series) -> np.ndarray:
    """Return whether the heights of two pieces differ by less than they vary inside either, bool."""
    count = sizes["heights"].clip(lower=1)
    mean = sizes["height_sum"] / count
    deviation = np.sqrt((sizes["square_sum"] / count - mean**2).clip(lower=0)).to_numpy()
    apart = np.abs(mean.to_numpy()[one] - mean.to_numpy()[other])
    return np.asarray(apart < APART * np.fmax(deviation[one], deviation[other]))
