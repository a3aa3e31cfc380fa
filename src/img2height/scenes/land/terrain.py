"""Terrain of the landscape: uplift against fluvial erosion, level valley floors, rivers and reservoirs.

Erosion follows the stream-power law dz/dt = U - K A^m dz/dx, solved implicitly along the flow (Braun and Willett 2013,
doi:10.1016/j.geomorph.2012.10.008), first on a coarse grid for the large valleys, then on finer ones for small valleys.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from img2height.scenes.city.terrain import smooth_noise
from img2height.scenes.land.drainage import FALL_M, Drainage, drain
from img2height.settings.land import LandSettings

MARGIN_PX = 112  # simulated around the landscape and removed, because the border is not natural
ROUNDS = {16: 40, 8: 20, 4: 12, 2: 5}  # rounds of erosion by pixels per cell of the grid
AREA_EXPONENT = 0.45
ERODED = 0.8  # K dt for areas in m2: in one round a change travels some 400 m up a stream of 1 km2
STEEPEST = 0.6  # slope at which hillsides slide
STREAM_M2 = 4e5  # a larger catchment has a valley floor
LARGEST_LAKE = 0.015  # share of the landscape; no dam is built if it would flood more
RIVER_M = 5.3  # width of the river of a catchment of 1 km2; it grows with the square root of the catchment


@dataclass(frozen=True)
class Terrain:
    """Ground and water of a landscape, all HxW.

    Attributes:
        dtm: elevation above the datum, the water level on water, float32 metres.
        water: rivers and reservoirs, bool.
        above_stream: height above the stream into which a place drains, float32 metres.
    """

    dtm: np.ndarray
    water: np.ndarray
    above_stream: np.ndarray


def make_terrain(settings: LandSettings, rng: np.random.Generator) -> Terrain:
    """Return ground and water, from the lowest elevation of the settings to the highest."""
    cell_m = 2 * settings.gsd_m
    height, outlets = _erode(settings, rng)
    height = ndimage.gaussian_filter(height, 30 / cell_m)  # soil creep rounds the ridges
    flow = drain(height, outlets)
    catchment = flow.tree.accumulate(np.full(height.shape, cell_m**2))
    width_m = RIVER_M * np.sqrt(catchment / 1e6)
    rivers = width_m > settings.gsd_m
    height, above_stream = _valley_floors(flow, catchment, settings.relief_m)
    height, lake = _dam(height, flow, rivers, settings.relief_m, rng)
    # A reservoir covers its flooded cells completely.
    half_width_m = np.where(lake, 0.5 * cell_m, np.maximum(0.5 * width_m, 1.2 * settings.gsd_m))
    shore, level = _shore(height, rivers | lake, half_width_m, cell_m)
    return _on_pixels(settings, height, above_stream, shore, level, rng)


def _erode(settings: LandSettings, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the eroded heights on cells of two pixels, in metres above the outlets, and the outlets."""
    side = -(-(settings.size_px + 2 * MARGIN_PX) // 16)
    sides = rng.permutation(4)[: rng.integers(1, 3)]  # the land falls to one or two sides
    height = 0.1 * settings.relief_m * (1 + 0.3 * rng.random((side, side)))
    rise = np.clip(0.7 + 0.6 * smooth_noise((side, side), 3500 / settings.gsd_m / 16, rng), 0.12, 2)
    for cell_px, rounds in ROUNDS.items():
        if cell_px < 16:
            height, rise = (ndimage.zoom(field, 2, order=1, mode="nearest", grid_mode=True) for field in (height, rise))
            height += 0.04 * np.hypot(*np.gradient(height)) * rng.standard_normal(height.shape)
        outlets = _border(height.shape, sides)
        for _ in range(rounds):
            height = _round(height, rise, outlets, cell_px * settings.gsd_m, settings.relief_m)
    return height, outlets


def _border(shape: tuple[int, int], sides: np.ndarray) -> np.ndarray:
    border = np.zeros(shape, bool)
    for side in sides:
        np.rot90(border, side)[0] = True
    return border


def _round(height: np.ndarray, rise: np.ndarray, outlets: np.ndarray, cell_m: float, relief_m: float) -> np.ndarray:
    """Return the heights after a period of uplift and erosion, stretched to the relief."""
    flow = drain(height, outlets)
    catchment = flow.tree.accumulate(np.full(height.shape, cell_m**2)).ravel()
    way_m = flow.distance * cell_m
    cut = ERODED * catchment**AREA_EXPONENT / way_m
    lifted = (flow.filled + np.where(outlets, 0, 0.1 * relief_m * rise)).ravel()
    for cells in flow.tree.levels():
        below = lifted[flow.tree.receiver[cells]]
        eroded = (lifted[cells] + cut[cells] * below) / (1 + cut[cells])
        lifted[cells] = np.minimum(eroded, below + STEEPEST * way_m[cells])
    lifted = np.where(outlets.ravel(), 0, lifted)
    return (lifted * (relief_m / lifted.max())).reshape(height.shape)


def _valley_floors(flow: Drainage, catchment: np.ndarray, relief_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Return heights with level floors along streams, wider where more water flows, and heights above the stream."""
    height, receiver = flow.filled.ravel(), flow.tree.receiver
    stream = catchment.ravel() > STREAM_M2
    bottom = height.copy()
    depth = np.clip(8 * (catchment.ravel() / STREAM_M2) ** 0.3, 8, 40) * min(1, relief_m / 400)
    for cells in flow.tree.levels():
        slope = cells[~stream[cells]]
        bottom[slope], depth[slope] = bottom[receiver[slope]], depth[receiver[slope]]
    above = height - bottom
    # Low ground is brought down to its stream, high ground is lowered by the depth of the fill.
    lowered = (depth * (1 - np.exp(-above / depth))).reshape(flow.filled.shape)
    levelled = flow.filled - ndimage.gaussian_filter(lowered, 2.5)  # no step at the divide between two streams
    flat = levelled.ravel()
    for cells in flow.tree.levels():
        below = receiver[cells]
        flat[cells] = np.maximum(flat[cells], flat[below] + FALL_M)
        slope = ~stream[cells]
        bottom[cells] = np.where(slope, bottom[below], flat[cells])
    return levelled, levelled - bottom.reshape(levelled.shape)


def _dam(
    height: np.ndarray, flow: Drainage, rivers: np.ndarray, relief_m: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the heights with the water level of up to four reservoirs, and the extent of these."""
    middle = np.zeros(height.shape, bool)
    rim = MARGIN_PX // 2 + height.shape[0] // 12
    middle[rim:-rim, rim:-rim] = True
    sites = np.flatnonzero(rivers & middle)
    dams = rng.choice(sites, rng.integers(1, 5)) if sites.size else sites
    flat, receiver = height.ravel(), flow.tree.receiver
    level = flat[dams] + rng.uniform(5, 20, dams.size) * min(1, relief_m / 400)
    lake: np.ndarray = np.full(height.size, -1)
    lake[dams] = np.arange(dams.size)
    for cells in flow.tree.levels():
        below = lake[receiver[cells]]
        flooded = (lake[cells] < 0) & (below >= 0) & (flat[cells] < np.append(level, 0)[below])
        lake[cells[flooded]] = below[flooded]
    sizes = np.bincount(lake[lake >= 0], minlength=dams.size)
    lake[~np.isin(lake, np.flatnonzero(sizes < LARGEST_LAKE * height.size))] = -1
    lake = lake.reshape(height.shape)
    return np.where(lake >= 0, np.append(level, 0)[lake], height), lake >= 0


def _shore(
    height: np.ndarray, wet: np.ndarray, half_width_m: np.ndarray, cell_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance to the shore (negative in the water) and the level of the nearest water, in metres."""
    if not wet.any():
        return np.full(height.shape, np.inf), height
    away, (rows, cols) = ndimage.distance_transform_edt(~wet, return_indices=True)
    return away * cell_m - half_width_m[rows, cols], height[rows, cols]


def _on_pixels(
    settings: LandSettings, height: np.ndarray, above_stream: np.ndarray, shore: np.ndarray, level: np.ndarray,
    rng: np.random.Generator,
) -> Terrain:  # fmt: skip
    """Return the terrain on the pixels of the landscape, from fields on cells of two pixels."""
    shape = (settings.size_px, settings.size_px)
    # The flow goes from cell to cell in eight directions: positions are perturbed so that rivers wind.
    places = np.indices(shape) + MARGIN_PX
    shaken = [
        (place - 0.5) / 2 + 1.3 * smooth_noise(shape, 26, rng) + 0.5 * smooth_noise(shape, 9, rng) for place in places
    ]
    ground, above_stream, shore = (
        ndimage.map_coordinates(np.minimum(field, 1e4), shaken, order=1, mode="nearest").astype(np.float32)
        for field in (height, above_stream, shore)
    )
    level = ndimage.map_coordinates(level, shaken, order=0, mode="nearest").astype(np.float32)
    water = shore < 0
    slope = np.hypot(*np.gradient(ndimage.gaussian_filter(ground, 2)))
    rough = 0.25 * smooth_noise(shape, 7, rng) + 0.12 * smooth_noise(shape, 3, rng)
    ground += slope * rough * np.clip(shore / 60, 0, 1)
    ground = np.where(shore < 3 * settings.gsd_m, np.maximum(ground, level + 0.8), ground)
    dtm = np.where(water, level, ground)
    dtm = (dtm - dtm.min()) * (settings.relief_m / np.ptp(dtm)) + settings.base_m
    return Terrain(dtm.astype(np.float32), water, np.where(water, 0, np.maximum(above_stream, 0)).astype(np.float32))
