"""Terrain: rolling ground, level water, and the level pads that buildings stand on."""

import numpy as np
from scipy import interpolate, ndimage

BANK_M = 1.2  # height of the banks above the water
RAMP_M = 5.0  # they rise over this distance


def smooth_noise(shape: tuple[int, ...], wavelength_px: float, rng: np.random.Generator) -> np.ndarray:
    """Return a smooth random field of mean 0 and variance 1, HxW float32: a random lattice, cubically interpolated."""
    lattice = rng.normal(size=[int(np.ceil(n / wavelength_px)) + 4 for n in shape])
    rows, cols = (1.5 + np.arange(n) / wavelength_px for n in shape)
    for axis, places in enumerate((rows, cols)):
        lattice = interpolate.make_interp_spline(np.arange(lattice.shape[axis]), lattice, axis=axis)(places)
    return (lattice / 0.84).astype(np.float32)


def rolling_ground(shape: tuple[int, int], gsd_m: float, relief_m: float, rng: np.random.Generator) -> np.ndarray:
    """Return ground heights above the datum in metres, HxW float32: hills of 250 m, swells of 90 m, bumps of 30 m."""
    scales = ((250.0, 0.25), (90.0, 0.05), (30.0, 0.008))
    hills = sum((share * smooth_noise(shape, size / gsd_m, rng) for size, share in scales), np.zeros(shape, np.float32))
    return (rng.uniform(60, 400) + relief_m * hills).astype(np.float32)


def carve_water(ground: np.ndarray, water: np.ndarray, gsd_m: float) -> np.ndarray:
    """Return the ground with level water and a valley around it, HxW float32 metres.

    Args:
        ground: HxW float32 metres.
        water: HxW bool.
        gsd_m: pixel size in metres.
    """
    if not water.any():
        return ground
    level = np.float32(np.quantile(ground[water], 0.1))
    away_m = ndimage.distance_transform_edt(~water).astype(np.float32) * gsd_m
    bank = level + BANK_M * np.clip(away_m / RAMP_M, 0, 1)
    blend = np.clip((away_m - RAMP_M) / 70, 0, 1)
    valley = bank + (3 - 2 * blend) * blend**2 * (np.maximum(ground, level + BANK_M) - bank)
    return np.where(water, level, valley).astype(np.float32)


def level_pads(ground: np.ndarray, pad: np.ndarray, keep: np.ndarray, gsd_m: float) -> np.ndarray:
    """Return the ground levelled under buildings and blended into its surroundings, HxW float32 metres.

    Args:
        ground: HxW float32 metres.
        pad: level of the building on a pixel, NaN elsewhere, HxW float32 metres.
        keep: ground that must not move (water), HxW bool.
        gsd_m: pixel size in metres.
    """
    built = np.isfinite(pad)
    change = np.where(built, pad - ground, 0).astype(np.float32)
    weight = ndimage.gaussian_filter(built.astype(np.float32), 4 / gsd_m, truncate=3)
    blended = ndimage.gaussian_filter(change, 4 / gsd_m, truncate=3) / np.maximum(weight, 0.5)
    blended[keep] = 0
    return np.where(built, pad, ground + blended).astype(np.float32)
