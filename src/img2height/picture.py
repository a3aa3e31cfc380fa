"""Pictures of layers as usual in their field: colour composites, radar polarisations, anaglyphs and shaded relief."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LightSource
from matplotlib.patheffects import withStroke

from img2height.colours import HEIGHT_COLOURS, OPTICAL, RADAR, channel, fit, stretch_limits, stretched

FILLED = (213, 94, 0)  # vermilion of Okabe and Ito (2008)
FILLED_SHARE = 0.65
LIGHT = LightSource(azdeg=315, altdeg=45)  # from the north-west; lit from below, hills look like hollows


def composites(bands: Sequence[str], pixels: np.ndarray, valid: np.ndarray) -> dict[str, np.ndarray]:
    """Return the usual pictures of an image by the bands in red, green and blue, each HxWx3 uint8.

    True colour and colour infrared of an optical image, the polarisations of a radar image; otherwise the first band in
    grey. Bands of more than eight bits are stretched separately; missing pixels are black.

    Args:
        bands: their names.
        pixels: CxHxW in the order of the names; radar in decibels.
        valid: HxW bool.
    """
    named = dict(zip(bands, pixels, strict=True))
    optical, radar = ([item for item in kind.items() if fit(item[1], bands)] for kind in (OPTICAL, RADAR))
    shown = optical or radar[:1] or [("grey", (bands[0],) * 3)]
    return {name: np.dstack([_stretch(channel(named, part), valid) for part in parts]) for name, parts in shown}


def anaglyph(first: np.ndarray, second: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return a stereo pair as HxWx3 uint8, the first view in red and the second in cyan.

    Parallax appears as red and cyan edges. Both views are stretched, so that everything else is grey.

    Args:
        first: HxW grey values.
        second: HxW grey values.
        valid: HxW bool.
    """
    red, cyan = (_stretch(view.astype(np.float32), valid) for view in (first, second))
    return np.dstack([red, cyan, cyan])


def relief(
    heights: np.ndarray, limits: tuple[float, float], gsd_m: float, filled: np.ndarray | None = None
) -> np.ndarray:
    """Return a surface as HxWx3 uint8, coloured by height and shaded by light from the north-west; missing is black.

    Flat ground has exactly the colour of its height, so that a colour bar is valid.

    Args:
        heights: HxW metres, NaN where missing.
        limits: heights in metres where the colours begin and end.
        gsd_m: pixel size in metres.
        filled: HxW bool, pixels that are interpolated and not measured: tinted vermilion.
    """
    valid = np.isfinite(heights)
    surface = np.where(valid, heights, np.nanmean(heights) if valid.any() else 0.0)
    scaled = (surface - limits[0]) / max(limits[1] - limits[0], 1e-6)
    colours = colormaps[HEIGHT_COLOURS](np.clip(scaled, 0, 1))[..., :3]
    if filled is not None:
        tint = np.array(FILLED) / 255
        colours = np.where(filled[..., None], FILLED_SHARE * tint + (1 - FILLED_SHARE) * colours, colours)
    lit = np.clip(0.5 + _shade(surface, gsd_m), 0, 1)[..., None]
    shaded = LIGHT.blend_soft_light(colours, lit)  # a light of 0.5 changes nothing
    return np.where(valid[..., None], np.rint(255 * shaded), 0).astype(np.uint8)


def limits_m(heights: np.ndarray) -> tuple[float, float]:
    """Return the heights in metres between which nearly all of a surface lies, 0 to 1 if there is no valid height."""
    valid = heights[np.isfinite(heights)]
    if not valid.size:
        return 0.0, 1.0
    low, high = np.percentile(valid, [0.5, 99.5])
    return float(low), float(high)


def draw_look(axes: Axes, azimuth_deg: float, size: float) -> None:
    """Draw the look direction of a radar in the upper left of a picture: an arrow from the sensor to the ground.

    Args:
        axes: of the picture.
        azimuth_deg: from the ground to the sensor, clockwise from the top of the picture.
        size: of the text next to it, in points.
    """
    azimuth = np.radians(azimuth_deg)
    middle, half = np.array([0.12, 0.88]), 0.1 * np.array([np.sin(azimuth), np.cos(azimuth)])
    arrow = {"arrowstyle": "-|>", "color": "white", "linewidth": 0.2 * size, "mutation_scale": 1.1 * size}
    arrow["path_effects"] = [withStroke(linewidth=0.4 * size, foreground="black")]
    (x, y), (from_x, from_y) = (middle - half).tolist(), (middle + half).tolist()
    axes.annotate("", (x, y), (from_x, from_y), xycoords="axes fraction", arrowprops=arrow, zorder=5)


def _stretch(band: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return a band as uint8; more than eight bits are stretched between the 2nd and the 98th percentile."""
    if band.dtype != np.uint8:
        band = stretched(band, stretch_limits(band, valid))
    return np.where(valid, band, 0).astype(np.uint8)


def _shade(surface: np.ndarray, gsd_m: float) -> np.ndarray:
    """Return how much brighter a surface is than flat ground, HxW, about -0.7 to 0.3 (Lambert's law)."""
    down, right = np.gradient(surface, gsd_m)
    east, north, up = LIGHT.direction
    flat = np.sqrt(1 + down**2 + right**2)
    return (up - east * right + north * down) / flat - up
