"""The sources of a radar's echo: surfaces, crowns, walls, and the corners between walls and ground.

The parts of a building's echo are those of Franceschetti, Iodice and Riccio, "A canonical problem in electromagnetic
backscattering from buildings", IEEE TGRS 40(8), 2002, pp. 1787-1801; their strengths are typical figures, not solutions
of the field equations, and triple reflections are omitted.
"""

from collections.abc import Iterator

import numpy as np

from img2height.scenes.city.light import normals
from img2height.scenes.city.model import City, Material
from img2height.scenes.city.sar_geometry import Look, Scatterers
from img2height.scenes.city.view import wall_directions

# Level surfaces in X band at 40 degrees: sigma nought in HH, cross polarisation and VV in dB, the cosine exponent
# (1: a volume, 2: rough, more: specular), and the share of a pulse mirrored to the foot of a wall.
BACKSCATTER = {
    Material.GRASS: (-12.0, -20.5, -11.5, 2, 0.35),
    Material.SOIL: (-11.5, -21.0, -10.5, 2, 0.35),
    Material.ASPHALT: (-18.5, -28.0, -17.5, 3, 1.0),
    Material.CONCRETE: (-16.0, -26.0, -15.0, 3, 1.0),
    Material.BRICK: (-13.5, -23.0, -12.5, 2, 0.8),
    Material.GRAVEL: (-11.5, -20.5, -11.0, 2, 0.5),
    Material.WATER: (-24.0, -36.0, -22.5, 8, 1.0),
    Material.CROWN: (-8.5, -13.0, -8.5, 1, 0.0),
    Material.TILE_RED: (-9.5, -19.5, -9.0, 4, 0.5),
    Material.TILE_BROWN: (-9.5, -19.5, -9.0, 4, 0.5),
    Material.SLATE: (-12.0, -22.0, -11.5, 5, 0.7),
    Material.BITUMEN: (-13.0, -22.0, -12.5, 3, 0.8),
    Material.METAL: (-15.5, -25.0, -15.5, 10, 1.0),
    Material.MEMBRANE: (-14.5, -24.0, -14.0, 4, 0.9),
    Material.CAR: (-2.0, -11.0, -2.0, 1, 0.3),
    Material.PAINT: (-18.0, -27.5, -17.0, 3, 1.0),
    Material.TURF: (-13.0, -22.0, -12.5, 2, 0.5),
}
LEVEL_COSINE = np.cos(np.radians(40))
BRIGHTEST = 40.0  # a surface reflects at most this much more than when level
# Walls, by band (HH, HV, VH, VV): their scattering; the radar cross section of a metre of their upper edge, in m^2; and
# that of a square metre of wall by way of the ground, where VV is reflected less than HH (Brewster's angle).
WALL = np.array([0.7, 0.13, 0.13, 0.7], np.float32)
EDGE = np.array([0.5, 0.05, 0.05, 0.5], np.float32)
DOUBLE_BOUNCE = np.array([1.4, 0.035, 0.035, 0.9], np.float32)
LOBE = np.array([8, 2, 2, 8], np.float32)  # exponent of the cosine of the aspect in double bounce
STEP_M = 1.0  # a larger rise from pixel to pixel is a wall
STOREY_M, SILL_M = 3.0, 0.6  # sills and lintels of each storey are corners and bright
CROWN_DEPTH_M = 2.0  # path into a crown that leaves 1/e of the pulse
PARTS = 6  # points per surface along the line of sight, so that stretched slopes have no holes


def _table() -> np.ndarray:
    """Return the constants by material: linear HH, HV, VH, VV, exponent of the cosine, mirrored share."""
    rows = np.array([BACKSCATTER[material] for material in Material], np.float32)
    return np.hstack([10 ** (rows[:, [0, 1, 1, 2]] / 10), rows[:, 3:]]).astype(np.float32)


def surfaces(city: City, look: Look, hidden: np.ndarray, clutter: np.ndarray) -> np.ndarray:
    """Return the echo of ground, roofs and crowns at their own position, 4xHxW float32, 0 in radar shadow.

    Args:
        city: the truth.
        look: the line of sight.
        hidden: height above the terrain below which points are in shadow, HxW metres.
        clutter: brightness of each place relative to its material, 4xHxW.
    """
    table = _table()
    normal = normals(city.dsm, look.gsd_m)
    cosine = np.maximum(np.tensordot(look.towards, normal, 1), 0) / LEVEL_COSINE
    tilt = np.minimum(cosine ** table[city.material, 4] / np.maximum(normal[2], 0.3), BRIGHTEST)
    seen = tilt * clutter * (hidden <= city.ndsm)
    return np.moveaxis(table[city.material, :4], -1, 0) * seen


def raised(city: City, look: Look, power: np.ndarray) -> Iterator[Scatterers]:
    """Yield the points of everything above the terrain, crowns down to some depth.

    Args:
        city: the truth.
        look: the line of sight.
        power: the echo of each place, 4xHxW.
    """
    rows, cols = np.nonzero((city.ndsm > 0) & (power[0] > 0))
    above, echo = city.ndsm[rows, cols], power[:, rows, cols] / PARTS
    normal = normals(city.ndsm, look.gsd_m)[:, rows, cols]
    slope = np.clip(-(normal[0] * look.right + normal[1] * look.down) / normal[2], -2, 2)
    crown = city.material[rows, cols] == Material.CROWN
    for part in (np.arange(PARTS) + 0.5) / PARTS:
        ahead = part - 0.5
        sunk = np.where(crown, np.minimum(-CROWN_DEPTH_M * np.log(1 - part), 0.6 * above), 0)
        height = np.maximum(above + slope * ahead * look.gsd_m - sunk, 0)
        yield Scatterers(rows + ahead * look.down, cols + ahead * look.right, height, echo)


def walls(city: City, look: Look, hidden: np.ndarray, clutter: np.ndarray) -> Iterator[Scatterers]:
    """Yield the points of walls that face the sensor: their face, upper edge and foot; arguments as in `surfaces`.

    Walls are sides of pixels. Seen from the sensor, the stairs of an oblique wall are as wide as the wall itself, so
    its scattering is right; only double bounce needs its true direction.
    """
    right, down = wall_directions(city)
    aspect = np.maximum(right * look.right + down * look.down, 0)
    mirrored = _table()[:, 5]
    for axis, part in ((0, look.down), (1, look.right)):
        side = int(np.sign(part))
        front = np.clip(np.arange(city.ndsm.shape[axis]) + side, 0, city.ndsm.shape[axis] - 1)
        foot = city.ndsm.take(front, axis)
        bottom = np.maximum(foot, hidden.take(front, axis))
        lit = (city.ndsm - foot > STEP_M) & (city.ndsm > bottom) & (city.material != Material.CROWN)
        rows, cols = np.nonzero(lit)
        half = 0.5 * side
        place: tuple[np.ndarray, np.ndarray] = (rows + half, cols) if axis == 0 else (rows, cols + half)
        top, bottom, foot = city.ndsm[lit], bottom[lit], foot[lit]
        yield _face(look, place, bottom, top, abs(part) * clutter)
        width = abs(part) / look.gsd_m * clutter[:, lit]
        yield Scatterers(*place, top, EDGE[:, None] * width)
        facing = aspect[lit] ** LOBE[:, None] * mirrored[city.material.take(front, axis)[lit]]
        yield Scatterers(*place, foot, DOUBLE_BOUNCE[:, None] * facing * (top - bottom) * width)


def _face(
    look: Look, place: tuple[np.ndarray, np.ndarray], bottom: np.ndarray, top: np.ndarray, width: np.ndarray
) -> Scatterers:
    """Return points up the face of walls, less than one pixel apart in range.

    Args:
        look: the line of sight.
        place: row and column of each wall.
        bottom: its lowest visible point, in metres above the terrain.
        top: its upper edge.
        width: width across the line of sight in pixels times clutter, 4xHxW.
    """
    tall = top - bottom
    count = np.ceil(1.4 * look.layover_px(tall)).astype(np.int64)
    wall = np.repeat(np.arange(len(tall)), count)
    number = np.arange(len(wall)) - np.repeat(np.cumsum(count) - count, count)
    above = bottom[wall] + (number + 0.5) / count[wall] * tall[wall]
    storey, sill = np.divmod(above, STOREY_M)
    rows, cols = (part[wall] for part in place)
    # No two storeys are alike: each glitters like the roof as many pixels behind its wall as it is storeys high.
    behind = tuple(
        np.clip(np.rint(at - (storey + 0.75) * towards), 0, size - 1).astype(np.int64)
        for at, towards, size in zip((rows, cols), (look.down, look.right), width.shape[1:], strict=True)
    )
    area = (tall / count)[wall] / look.gsd_m * np.sin(look.incidence) * np.where(sill < SILL_M, 3.4, 0.4)
    return Scatterers(rows, cols, above, WALL[:, None] * area * width[:, *behind])
