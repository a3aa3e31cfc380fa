"""Land cover: it depends on elevation, slope, aspect and water, but not strictly."""

from enum import IntEnum

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from img2height.scenes.city.light import normals
from img2height.scenes.city.terrain import smooth_noise
from img2height.scenes.land.terrain import Terrain
from img2height.settings.land import LandSettings

TREE_LINE = 0.62  # of the span between valley and summit
ROCK_LINE = 0.76
SNOW_LINE = 0.88
LEAST_SPAN_M = 900.0  # hills are lower than mountains: with a smaller relief no summit reaches the tree and rock lines
SETTLED_M2 = 5e6  # one village per this area of farmland


class Cover(IntEnum):
    """Classes of the cover raster."""

    WATER = 0
    CROP = 1
    CEREAL = 2
    SOIL = 3
    MEADOW = 4
    BROADLEAF = 5
    CONIFER = 6
    SHRUB = 7
    ROCK = 8
    SNOW = 9
    SETTLEMENT = 10


FOREST = (Cover.BROADLEAF, Cover.CONIFER)
CULTIVATED = (Cover.CROP, Cover.CEREAL, Cover.SOIL, Cover.MEADOW)
# Shares of the crops in the lowland and at the upper limit of farming, where only grass is left.
CROP_SHARES = {
    Cover.CROP: (0.34, 0.05),
    Cover.CEREAL: (0.28, 0.05),
    Cover.SOIL: (0.18, 0.02),
    Cover.MEADOW: (0.20, 0.88),
}


def grow_cover(settings: LandSettings, terrain: Terrain, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the cover of a terrain.

    Args:
        settings: pixel size and elevation zones.
        terrain: ground and water.
        rng: draws parcels, crops, villages and everything else that the terrain does not determine.

    Returns:
        Values of `Cover`, HxW uint8, and the number of the parcel of land, HxW int32.
    """
    shape, gsd_m = terrain.dtm.shape, settings.gsd_m
    normal = normals(ndimage.gaussian_filter(terrain.dtm, 1), gsd_m)
    slope, north = np.degrees(np.arccos(np.minimum(normal[2], 1))), -normal[1]
    wide, middle, fine = (smooth_noise(shape, max(size_m / gsd_m, 2), rng) for size_m in (1500, 250, 60))
    span = max(settings.relief_m, LEAST_SPAN_M)
    rise = (terrain.dtm - settings.base_m) / span
    # A place in shade or cold wind has the climate of a higher one.
    climate = rise + 0.09 * wide + 0.03 * middle + 0.015 * fine + 0.05 * north
    parcel = _parcels(shape, gsd_m, rng)
    toil = _mean(slope + 4 * wide + 14 * rise / TREE_LINE, parcel)  # effort of farming, in degrees of slope
    crop, chance = _crops(_mean(rise, parcel) / TREE_LINE, rng)
    mixed = 0.9 * wide + 0.6 * middle + 0.45 * fine + 0.35 * rng.standard_normal(shape)
    needles = mixed + 3 * (rise / TREE_LINE - 0.5) + 1.5 * north > 0
    trees = np.where(needles, Cover.CONIFER, Cover.BROADLEAF)
    tilled, grazed = (toil < 7 + 4 * chance)[parcel], (toil < 8 + 14 * chance**2)[parcel]
    beside_water = ndimage.distance_transform_edt(~terrain.water) * gsd_m < 40 + 25 * fine
    cases = (
        (terrain.water, Cover.WATER),
        ((climate > SNOW_LINE) & (slope < 38 + 5 * fine), Cover.SNOW),
        ((climate > ROCK_LINE) | (slope > 48 + 4 * middle), Cover.ROCK),
        (climate > TREE_LINE, np.where(0.6 * middle + fine > 0, Cover.SHRUB, Cover.MEADOW)),
        (_villages(tilled, terrain, slope, middle + fine, gsd_m, rng), Cover.SETTLEMENT),
        (beside_water & (middle > 0), Cover.BROADLEAF),
        ((chance < 0.05)[parcel], trees),
        (tilled, crop[parcel]),
        (grazed, Cover.MEADOW),
    )
    conditions, covers = (list(column) for column in zip(*cases, strict=True))
    return np.select(conditions, covers, default=trees).astype(np.uint8), parcel


def _mean(values: np.ndarray, parcel: np.ndarray) -> np.ndarray:
    """Return the mean of each parcel, N float64."""
    return np.bincount(parcel.ravel(), values.ravel()) / np.bincount(parcel.ravel())


def _parcels(shape: tuple[int, int], gsd_m: float, rng: np.random.Generator) -> np.ndarray:
    """Return parcel numbers: strips of fields with the same direction and size within a district of one kilometre."""
    rows, cols = np.indices(shape)
    x = gsd_m * cols + 35 * smooth_noise(shape, 500 / gsd_m, rng)
    y = gsd_m * rows + 35 * smooth_noise(shape, 500 / gsd_m, rng)
    extent = max(shape) * gsd_m
    seats = rng.uniform(-500, extent + 500, (int((extent + 1000) ** 2 / 1e6) + 1, 2))
    district = np.asarray(cKDTree(seats).query(np.stack([x, y], -1))[1])
    angle, width, length = (
        rng.uniform(low, high, len(seats))[district] for low, high in ((0, np.pi), (70, 200), (150, 500))
    )
    along = (x * np.cos(angle) + y * np.sin(angle)) / length
    strip = _numbered(district, np.floor((y * np.cos(angle) - x * np.sin(angle)) / width))
    along += rng.random(int(strip.max()) + 1)[strip]
    return _numbered(strip, np.floor(along)).astype(np.int32)


def _numbered(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return one number, counted from 0, for each pair of values that occurs."""
    second = (second - second.min()).astype(np.int64)
    return np.unique(first * (second.max() + 1) + second, return_inverse=True)[1].reshape(first.shape)


def _crops(rise: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the crop of each parcel, and a random number in 0..1 for the remaining choices."""
    low, high = np.array(list(CROP_SHARES.values())).T
    shares = np.cumsum(low + np.clip(rise, 0, 1)[:, None] * (high - low), axis=1)
    drawn = (rng.random((rise.size, 1)) > shares[:, :-1]).sum(axis=1)
    return np.array(list(CROP_SHARES), np.uint8)[drawn], rng.random(rise.size)


def _villages(
    farmed: np.ndarray, terrain: Terrain, slope: np.ndarray, ragged: np.ndarray, gsd_m: float, rng: np.random.Generator
) -> np.ndarray:
    """Return where houses are: on farmland, above the floods, HxW bool."""
    sites = np.argwhere(farmed & (slope < 7) & (terrain.above_stream > 2) & ~terrain.water)
    count = int(np.ceil(farmed.sum() * gsd_m**2 / SETTLED_M2))
    if not len(sites):
        return np.zeros(farmed.shape, bool)
    away, nearest = cKDTree(sites[rng.integers(len(sites), size=count)]).query(
        np.indices(farmed.shape).transpose(1, 2, 0)
    )
    radius_m = rng.lognormal(np.log(150), 0.35, count)[nearest]
    return (away * gsd_m < radius_m * (1 + 0.25 * ragged)) & (slope < 13)
