"""Light on a surface model: cast shadows, surface normals and sky visibility."""

import numpy as np
from scipy import ndimage

from img2height.scenes.city.geometry import direction


def horizon(dsm: np.ndarray, gsd_m: float, azimuth_deg: float, elevation_deg: float) -> np.ndarray:
    """Return the height below which a point at each pixel is hidden from a distant source, HxW float32 metres.

    The surface is followed pixel by pixel towards the source; pixels outside the raster hide nothing.

    Args:
        dsm: surface heights, HxW float32 metres.
        gsd_m: pixel size in metres.
        azimuth_deg: direction of the source, clockwise from north.
        elevation_deg: angle of the source above the horizon, above 0.
    """
    hidden = np.full(dsm.shape, -np.inf, np.float32)
    if elevation_deg >= 90:
        return hidden
    right, down = direction(azimuth_deg)
    longer = max(abs(right), abs(down))
    drop = np.float32(gsd_m / longer * np.tan(np.radians(elevation_deg)))
    relief = float(dsm.max() - dsm.min())
    for step in range(1, min(int(relief / drop) + 2, max(dsm.shape))):
        d_row, d_col = round(step * down / longer), round(step * right / longer)
        if abs(d_row) >= dsm.shape[0] or abs(d_col) >= dsm.shape[1]:
            break
        here, there = zip(_overlap(dsm.shape[0], d_row), _overlap(dsm.shape[1], d_col), strict=True)
        # A wall is half a pixel before the centre of its pixel. A slope is not: it gets at most 8 %, so that only
        # slopes at grazing incidence are wrongly hidden.
        away = max(step - 0.5, 0.92 * step)
        np.maximum(hidden[here], dsm[there] - np.float32(away) * drop, out=hidden[here])
    return hidden


def _overlap(size: int, shift: int) -> tuple[slice, slice]:
    """Return the slices of one axis for pixels and for the pixels `shift` further on."""
    return slice(max(0, -shift), size - max(0, shift)), slice(max(0, shift), size - max(0, -shift))


def cast_shadows(dsm: np.ndarray, gsd_m: float, azimuth_deg: float, elevation_deg: float) -> np.ndarray:
    """Return where the sun is hidden by higher surfaces, HxW bool.

    Args:
        dsm: surface heights, HxW float32 metres.
        gsd_m: pixel size in metres.
        azimuth_deg: direction of the sun, clockwise from north.
        elevation_deg: angle of the sun above the horizon.
    """
    return horizon(dsm, gsd_m, azimuth_deg, elevation_deg) > dsm


def normals(dsm: np.ndarray, gsd_m: float) -> np.ndarray:
    """Return unit normals (x east, y south, z up) of the surface, 3xHxW float32.

    The smaller of the two one-sided slopes is taken, so that a wall does not tilt the roof or the ground next to it.
    """
    slopes = []
    for axis in (1, 0):
        step = np.diff(dsm, axis=axis) / np.float32(gsd_m)
        pad = [(0, 0), (0, 0)]
        pad[axis] = (1, 1)
        step = np.pad(step, pad, mode="edge")
        ahead = np.take(step, range(1, dsm.shape[axis] + 1), axis)
        behind = np.take(step, range(dsm.shape[axis]), axis)
        slopes.append(np.where(np.abs(ahead) < np.abs(behind), ahead, behind))
    normal = np.stack([-slopes[0], -slopes[1], np.ones_like(dsm)])
    return (normal / np.linalg.norm(normal, axis=0)).astype(np.float32)


def sky_share(dsm: np.ndarray, gsd_m: float) -> np.ndarray:
    """Return the approximate visible share of the sky, from obstacles within about 8 m and 25 m, HxW float32."""
    share = np.ones_like(dsm)
    for reach_m in (4.0, 14.0):
        risen = ndimage.gaussian_filter(dsm, reach_m / gsd_m, truncate=2) - dsm
        share *= 1 / (1 + np.maximum(risen, 0) / reach_m * 0.8)
    return share
