"""Linear interpolation across gaps of a height raster, in the Delaunay triangulation of its valid pixels.

A triangle counts if the empty circle around it is not wider than the widest gap. Such a circle reaches no further than
its diameter from any pixel of its triangle, so that blocks with a margin of one gap give what the whole raster gives.
"""

import numpy as np
from scipy import ndimage
from scipy.spatial import Delaunay

FAR = 4  # sides of a raster: circles through points of the frame are wider than any gap
RIM_PX = 3  # valid pixels further from any gap belong to no triangle that covers one
# Pixels lie on circles by fours, which have two triangulations. Displaced by less than this, they have one, and qhull
# is twenty times as fast.
JITTER_PX = 1e-4


def interpolate_gaps(heights_m: np.ndarray, widest_px: float, origin: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Return heights whose gaps are interpolated, HxW float32 metres, NaN where a gap is wider or at the outside.

    Args:
        heights_m: HxW float32, NaN where missing.
        widest_px: diameter of the largest circle without a valid pixel that is bridged.
        origin: row and column of the first pixel on its grid; overlapping windows then give the same heights.
    """
    missing = np.isnan(heights_m)
    rim = ~missing & ndimage.binary_dilation(missing, iterations=RIM_PX)
    found = heights_m.copy()
    corners, wanted = np.argwhere(rim), np.argwhere(missing)
    if len(corners) < 3 or not len(wanted) or not widest_px:
        return found
    # Around all pixels, so that none is outside the mesh: scipy would compare it with each triangle.
    far = FAR * (max(heights_m.shape) + widest_px)
    frame = far * np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)])
    mesh = Delaunay(np.concatenate([corners + _jitter(corners + np.array(origin)), frame]))
    # scipy would compute it triangle by triangle, which takes most of the time, and has no public way to give it.
    mesh._transform = _barycentric(mesh)  # type: ignore[attr-defined]
    inside = mesh.find_simplex(wanted)
    inside[inside >= 0] = np.where(_diameters(mesh)[inside[inside >= 0]] <= widest_px, inside[inside >= 0], -1)
    wanted, inside = wanted[inside >= 0], inside[inside >= 0]
    affine = mesh.transform[inside]
    weights = np.einsum("nij,nj->ni", affine[:, :2], wanted - affine[:, 2])
    weights = np.column_stack([weights, 1 - weights.sum(axis=1)])
    heights = heights_m[rim].astype(np.float64)[mesh.simplices[inside]]
    found[tuple(wanted.T)] = np.round((weights * heights).sum(axis=1), 3)  # to the millimetre
    return found


def _barycentric(mesh: Delaunay) -> np.ndarray:
    """Return what `Delaunay.transform` is: of each triangle the inverse of two sides, and the third corner, Nx3x2."""
    last = mesh.points[mesh.simplices[:, 2]]
    (a, c), (b, d) = (np.moveaxis(mesh.points[mesh.simplices[:, n]] - last, 1, 0) for n in range(2))
    inverse = np.stack([d, -b, -c, a], axis=1) / (a * d - b * c)[:, None]
    return np.concatenate([inverse.reshape(-1, 2, 2), last[:, None]], axis=1)


def _jitter(places: np.ndarray) -> np.ndarray:
    """Return a small displacement that depends on the place alone, Nx2, from Nx2 rows and columns."""
    mixed = places[:, 0].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) ^ places[:, 1].astype(np.uint64) * np.uint64(
        0xC2B2AE3D27D4EB4F
    )
    mixed = (mixed ^ (mixed >> np.uint64(31))) * np.uint64(0xD6E8FEB86659FD93)
    halves = np.column_stack([mixed >> np.uint64(40), (mixed >> np.uint64(8)) & np.uint64(0xFFFFFF)])
    return (halves / 2**24 - 0.5) * JITTER_PX


def _diameters(mesh: Delaunay) -> np.ndarray:
    """Return the diameters of the circles around triangles: a b c / (2 area)."""
    a, b, c = (mesh.points[mesh.simplices[:, n]] for n in range(3))
    u, v = b - a, c - a
    area = np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]) / 2
    sides = np.hypot(*(b - a).T) * np.hypot(*(c - a).T) * np.hypot(*(c - b).T)
    return np.divide(sides, 2 * area, out=np.full(len(area), np.inf), where=area > 0)
