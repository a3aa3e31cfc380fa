"""A surface model as dense matching of two views would produce it, with the typical errors of such models.

In real ones the matching window smooths edges and moves them outwards, noise grows where texture is weak, trees are
ragged, patches are wrong by storeys, and there are holes where one of the views does not see the ground.
"""

import numpy as np
from scipy import ndimage

from img2height.scenes.city.model import City, Material
from img2height.scenes.city.terrain import smooth_noise
from img2height.scenes.city.view import Sight, occluded

RNG_STAGE = 300
# Strengths at `faults` = 1.
FATTENED_M = 1.4  # growth of the foreground
WINDOW_M = 0.8  # standard deviation of the matching window
NOISE_M = 0.25  # standard deviation with good texture; below: added by steep slopes, crowns, weak texture and water
SLOPE_NOISE_M = 0.35
CROWN_NOISE_M = 0.6
WEAK_NOISE_M = 0.6
WATER_NOISE_M = 2.0
SLOPE_BIAS_M = 0.25  # on a slope of 45 degrees that rises along the base
WEAK_BIAS_M = -0.25  # surfaces without texture come out too low
UNDULATION_M = 0.2
TREE_LOSS = 0.25  # share of the crowns that are matched near the ground below them
BLUNDERS_PER_KM2 = 1600
TEXTURE = 9.0  # local standard deviation, in grey values, of a well-matched surface


def match(city: City, pan: np.ndarray, pair: tuple[Sight, Sight]) -> np.ndarray:
    """Return the surface model matched from two views, HxW float32 metres, NaN in holes.

    Args:
        city: the truth; `settings.stereo.faults` scales all faults, and 0 gives the true surface.
        pan: panchromatic image of the surface at nadir, HxW, in grey values: its texture controls the matching.
        pair: the positions of the two sensors.
    """
    settings, faults = city.settings, city.stereo.faults
    if faults == 0:
        return city.dsm.copy()
    rng = np.random.default_rng([settings.seed, RNG_STAGE])
    weak = _weak_texture(pan, settings.gsd_m)
    surface = _fattened(_thinned_trees(city, faults, rng), faults * FATTENED_M / settings.gsd_m, rng)
    surface = ndimage.gaussian_filter(surface, faults * WINDOW_M / settings.gsd_m, truncate=3)
    grown = surface - city.dsm
    base = pair[0].lean - pair[1].lean
    surface += faults * _noise(city, surface, weak, base, rng) + _blunders(city, weak, rng)
    surface[_holes(city, grown, weak, pair, rng)] = np.nan
    return surface


def _weak_texture(pan: np.ndarray, gsd_m: float) -> np.ndarray:
    """Return the lack of texture for matching from 0 to 1, HxW float32."""
    grey, window_px = pan.astype(np.float32), 1.5 / gsd_m
    mean, square = (ndimage.gaussian_filter(part, window_px, truncate=3) for part in (grey, grey**2))
    return np.exp(-np.sqrt(np.maximum(square - mean**2, 0)) / TEXTURE)


def _thinned_trees(city: City, faults: float, rng: np.random.Generator) -> np.ndarray:
    """Return the surface with lowered crowns, HxW float32 metres, because windows look through leaves."""
    objects = int(city.instance.max()) + 1
    lost = rng.random(objects) < faults * TREE_LOSS
    share = np.where(lost, rng.uniform(0, 0.4, objects), rng.uniform(0.8, 1, objects)).astype(np.float32)
    crown = (city.material == Material.CROWN) & ~city.water
    return np.where(crown, city.dtm + city.ndsm * share[city.instance], city.dsm)


def _fattened(surface: np.ndarray, radius_px: float, rng: np.random.Generator) -> np.ndarray:
    """Return the surface with the foreground grown outwards by varying amounts, HxW float32 metres."""
    reach = int(np.ceil(radius_px))
    yy, xx = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    grown = ndimage.maximum_filter(surface, footprint=np.hypot(yy, xx) <= radius_px + 0.25, mode="nearest")
    share = np.clip(0.6 + 0.8 * smooth_noise(surface.shape, 4 * radius_px, rng), 0, 1)
    return surface + share * (grown - surface)


def _noise(city: City, surface: np.ndarray, weak: np.ndarray, base: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the errors of each pixel, HxW float32 metres: grain, lumps and bias by texture and slope, undulation."""
    shape, gsd_m = surface.shape, city.settings.gsd_m
    down, right = (np.clip(part, -2, 2) for part in np.gradient(surface, gsd_m))
    along_base = (right * base[0] + down * base[1]) / max(np.hypot(*base), 1e-6)
    grain = ndimage.gaussian_filter(rng.standard_normal(shape, np.float32), 0.9 / gsd_m)
    lumps = smooth_noise(shape, max(3.5 / gsd_m, 2), rng)
    strength = NOISE_M + SLOPE_NOISE_M * np.hypot(down, right) + CROWN_NOISE_M * (city.material == Material.CROWN)
    errors = strength * grain / grain.std() + weak * (WEAK_NOISE_M * lumps + WEAK_BIAS_M) + SLOPE_BIAS_M * along_base
    errors += WATER_NOISE_M * city.water * smooth_noise(shape, max(8 / gsd_m, 2), rng)
    return errors + UNDULATION_M * smooth_noise(shape, 180 / gsd_m, rng)


def _blunders(city: City, weak: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the errors of compact mismatched patches of 1 to 5 m, HxW float32 metres."""
    rows, cols = weak.shape
    gsd_m = city.settings.gsd_m
    errors = np.zeros(weak.shape, np.float32)
    number = round(city.stereo.faults * BLUNDERS_PER_KM2 * weak.size * gsd_m**2 / 1e6)
    likely = np.cumsum(0.15 + weak.ravel() ** 2, dtype=np.float64)
    places = np.searchsorted(likely, rng.random(number) * likely[-1])
    depth = rng.uniform(3, 15, number) * rng.choice([-1, 1], number, p=[0.4, 0.6])
    for place, size, long, turn, depth_m in zip(
        places, rng.uniform(1, 5, number) / gsd_m, rng.uniform(1, 2, number), rng.uniform(0, np.pi, number), depth,
        strict=True,
    ):  # fmt: skip
        row, col = divmod(int(place), cols)
        reach = int(np.ceil(size)) + 1
        window = tuple(slice(max(i - reach, 0), min(i + reach + 1, n)) for i, n in ((row, rows), (col, cols)))
        yy, xx = np.ogrid[window]
        u = (xx - col) * np.cos(turn) + (yy - row) * np.sin(turn)
        v = (yy - row) * np.cos(turn) - (xx - col) * np.sin(turn)
        errors[window] += depth_m * np.exp(-((np.hypot(u, long * v) / (0.5 * size)) ** 4))
    return errors


def _holes(
    city: City, grown: np.ndarray, weak: np.ndarray, pair: tuple[Sight, Sight], rng: np.random.Generator
) -> np.ndarray:
    """Return where the two views do not match, HxW bool: hidden ground, failures, and patches of water."""
    shape, gsd_m, faults = weak.shape, city.settings.gsd_m, city.stereo.faults
    patches, specks = (smooth_noise(shape, max(size_m / gsd_m, 2), rng) for size_m in (3, 1.6))
    # Where the foreground has grown over hidden ground, it was matched there.
    hidden = (occluded(city, pair[0]) | occluded(city, pair[1])) & (grown < 1.5) & (patches > 0.2 - faults)
    failed = 1.2 * specks + 2 * weak > 5 - faults
    return ndimage.binary_opening(hidden) | failed | (city.water & (patches > 1.5 - faults))
