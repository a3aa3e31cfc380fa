"""Houses that share walls: terraces, and the closed ring of houses around a courtyard."""

from itertools import pairwise

import numpy as np
import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from img2height.scenes.city.buildings import Design, Limits, Part, Roof
from img2height.scenes.city.geometry import Frame, points_along, polygons


def terrace_row(
    axis: Frame, length: float, width: float, inside: Polygon, limits: Limits, rng: np.random.Generator
) -> list[Design]:
    """Return terraced houses side by side along a common ridge; each has its own eaves, some are flat."""
    count = max(2, int(length / rng.uniform(5.6, 7.2)))
    edges = np.linspace(-length / 2, length / 2, count + 1)
    pitch, storeys = rng.uniform(0.5, 0.9), 3.0 * rng.integers(2, 4)
    flat = rng.random() < 0.25
    rise = 0.0 if flat else pitch * width / 2
    row = []
    for u0, u1 in pairwise(edges):
        shape = axis.rectangle(u0, u1, -width / 2, width / 2)
        eaves = limits.eaves(storeys + rng.choice([0.0, 0.0, 0.7, 1.4, -0.8]), rise)
        if not inside.contains(shape):
            continue
        kind: Roof = "flat" if flat else "gabled"
        row.append(Design(shape, (Part(shape, kind, eaves, pitch, axis, width / 2),), kind))
    return row


def perimeter(
    block: Polygon, density: float, limits: Limits, rng: np.random.Generator
) -> tuple[list[Design], BaseGeometry]:
    """Return the houses of a closed block and its courtyard; no houses if the block is too narrow.

    The ring is divided into houses by lines from the centre; a common outline makes their roofs meet in one ridge.
    """
    outer = block.simplify(1.5).buffer(-1.0, join_style="mitre")
    depth = rng.uniform(11, 14)
    inner = outer.buffer(-depth, join_style="mitre") if not outer.is_empty else outer
    rings, yards = polygons(outer, 600), polygons(inner, 250)
    if len(rings) != 1 or len(yards) != 1:
        return [], inner
    ring = rings[0].difference(yards[0])
    if not isinstance(ring, Polygon):
        return [], inner
    pitch = rng.choice([0.0, 0.55, 0.8])
    storeys = int(rng.integers(3, 7))
    return [
        _house_in_ring(piece, ring, pitch, storeys, limits, rng)
        for piece in _sectors(ring, yards[0], rng)
        if rng.random() < density + 0.05
    ], yards[0]


def _sectors(ring: Polygon, yard: Polygon, rng: np.random.Generator) -> list[Polygon]:
    middle = np.array(yard.representative_point().coords[0])
    cuts = points_along(shapely.LineString(ring.exterior.coords), rng.uniform(15, 22))[:, :2]
    far = middle + 3.0 * (cuts - middle)
    wedges = [Polygon([middle, a, b]) for a, b in zip(far, np.roll(far, -1, axis=0), strict=True)]
    pieces = [polygons(wedge.buffer(0).intersection(ring), 40) for wedge in wedges]
    return [max(piece, key=lambda p: p.area) for piece in pieces if piece]


def _house_in_ring(
    piece: Polygon, ring: Polygon, pitch: float, storeys: int, limits: Limits, rng: np.random.Generator
) -> Design:
    eaves = limits.eaves(3.2 * max(2, storeys + int(rng.integers(-1, 2))) + 1, 6.0)
    if pitch == 0:
        return Design(piece, (Part(piece, "flat", eaves),), "courtyard")
    return Design(piece, (Part(piece, "hipped", eaves, pitch, outline=ring, top_m=limits.high_m),), "courtyard")
