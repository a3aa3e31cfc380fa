"""Fills a block according to its use: buildings, paving, and positions of trees and cars."""

from collections.abc import Callable

import numpy as np
import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from img2height.scenes.city.buildings import Limits, hall, slab, tower
from img2height.scenes.city.geometry import Frame, points_along, polygons
from img2height.scenes.city.houses import detached, terraces
from img2height.scenes.city.model import Material
from img2height.scenes.city.site import Site, crowns, roof_material
from img2height.scenes.city.terraces import perimeter


def fill_block(site: Site, block: Polygon, use: str, density: float, limits: Limits, rng: np.random.Generator) -> None:
    """Add everything on a block of a given use.

    Args:
        site: receives surfaces, buildings, trees and cars.
        block: the land, x and y in metres.
        use: one of the uses of the layout.
        density: share of the parcels that are built on.
        limits: lowest and highest building.
        rng: the random state of this block.
    """
    FILLERS[use](site, block, density, limits, rng)


def _perimeter(site: Site, block: Polygon, density: float, limits: Limits, rng: np.random.Generator) -> None:
    units, yard = perimeter(block, density, limits, rng)
    if not units:
        _flats(site, block, density, limits, rng)
        return
    site.cover(block, Material.CONCRETE)
    for piece in polygons(yard, 30):
        site.cover(piece.buffer(-1.5), Material(rng.choice([Material.GRASS, Material.BRICK, Material.CONCRETE])))
        site.plant(piece.buffer(-3), 9, (2, 4.5), rng)
    for unit in units:
        site.build(unit, roof_material(rng))


def _flats(site: Site, block: Polygon, density: float, limits: Limits, rng: np.random.Generator) -> None:
    """Add parallel blocks of flats on a green, with parking at one end."""
    site.cover(block, Material.GRASS)
    across = rng.random() < 0.6
    frame, length, width = Frame.of_envelope(block)
    depth = rng.uniform(11, 14)
    inner, standing = block.buffer(-3.5), []
    if not across:
        frame, length, width = frame.turned(90), width, length
    roof = 3.0 * rng.integers(3, 11) + 1
    for u in np.arange(-length / 2 + 5 + depth / 2, length / 2 - depth / 2, depth + rng.uniform(14, 22)):
        low, high = _core(inner, frame, u - depth / 2, u + depth / 2, width)
        reach = min(high - low, rng.uniform(30, 60))
        if reach < 16 or rng.random() > density:
            continue
        middle = (low + high) / 2
        plan = slab(frame.at(u, middle).turned(90), reach, depth, roof + rng.choice([-3, 0, 0, 3]), limits, rng)
        site.build(plan, roof_material(rng))
        standing.append(plan.footprint)
        path = frame.rectangle(u + depth / 2 + 1.5, u + depth / 2 + 4, -width, width).intersection(inner)
        site.cover(path, Material.CONCRETE)
    if not standing:
        _car_park(site, inner, frame, rng)
        return
    green = inner.difference(shapely.union_all(standing).buffer(4.5))
    for piece in polygons(green, 20):
        site.plant(piece, 9.5, (2, 5), rng)


def _core(inner: Polygon, frame: Frame, u0: float, u1: float, reach: float) -> tuple[float, float]:
    """Return the range of v over which the whole strip from u0 to u1 lies inside the land, in metres."""
    sides = [frame.line(u, -reach, u, reach).intersection(inner) for u in (u0, u1)]
    ranges = [frame.local(*shapely.get_coordinates(side).T)[1] for side in sides if not side.is_empty]
    if len(ranges) < 2:
        return 0.0, 0.0
    return max(r.min() for r in ranges), min(r.max() for r in ranges)


def _car_park(site: Site, area: BaseGeometry, frame: Frame, rng: np.random.Generator) -> None:
    """Pave an area, dark or bright regardless of its surroundings, and add rows of cars."""
    paving = Material(rng.choice([Material.ASPHALT, Material.CONCRETE, Material.BRICK, Material.GRAVEL]))
    for piece in polygons(area, 60):
        site.cover(piece, paving)
        u, v = frame.local(*np.asarray(piece.exterior.coords).T)
        for row in np.arange(v.min() + 4, v.max() - 3, 8.5):
            rows = shapely.get_parts(frame.line(u.min(), row, u.max(), row).intersection(piece.buffer(-3)))
            for line in [r for r in rows if r.geom_type == "LineString" and r.length > 8]:
                site.park_cars(line, 0.55, 2.7, True, rng)


def _trade(site: Site, block: Polygon, density: float, limits: Limits, rng: np.random.Generator) -> None:
    """Add one or two halls to a block and pave the rest."""
    frame, length, width = Frame.of_envelope(block)
    inner = block.buffer(-3)
    count = 2 if length > 95 else 1
    plans: list[Polygon] = []
    for index in range(count):
        span = length / count
        a, b = rng.uniform(0.5, 0.68) * span, rng.uniform(0.45, 0.62) * width
        u = -length / 2 + (index + 0.5) * span
        side = frame if rng.random() < 0.5 else frame.turned(180)
        plan = hall(side.at(u, (width - b) / 2 - rng.uniform(5, 7)), a, b, limits, rng)
        if (
            rng.random() < density
            and inner.contains(plan.footprint)
            and all(plan.footprint.distance(p) > 4 for p in plans)
        ):
            plans.append(plan.footprint)
            site.build(plan, roof_material(rng))
    site.cover(block, Material.GRASS)
    _car_park(site, inner.difference(shapely.union_all(plans).buffer(3)) if plans else inner, frame, rng)
    edge = points_along(block.buffer(-1.2).exterior, 9)[:, :2]
    site.trees.append(crowns(edge[rng.random(len(edge)) < 0.6], (1.5, 3), rng))


def _towers(site: Site, block: Polygon, density: float, limits: Limits, rng: np.random.Generator) -> None:
    """Add one to three towers of any height on a paved plaza; the first one of a block is tall."""
    site.cover(block, Material(rng.choice([Material.CONCRETE, Material.BRICK, Material.ASPHALT])))
    frame, length, width = Frame.of_envelope(block)
    inner, count, plans = block.buffer(-4), max(1, round(length / 48)), []
    for index in range(count):
        a, b = rng.uniform(20, 32), rng.uniform(17, 24)
        spot = frame.at(-length / 2 + (index + 0.5) * length / count, rng.uniform(-0.12, 0.12) * width)
        share = rng.uniform(0.75, 0.97) if index == 0 else rng.uniform(0.25, 0.8)
        plan = tower(spot.turned(float(rng.choice([0, 90]))), a, b, share * limits.high_m, limits, rng)
        if (index == 0 or rng.random() < density) and inner.contains(plan.footprint):
            site.build(plan, roof_material(rng))
            plans.append(plan.footprint)
    for piece in polygons(inner.difference(shapely.union_all(plans).buffer(4)), 40):
        lawn = piece.buffer(-5)
        site.cover(lawn, Material.GRASS, 60)
        site.plant(piece, 13, (1.8, 4), rng)


def _park(site: Site, block: Polygon, density: float, limits: Limits, rng: np.random.Generator) -> None:
    site.cover(block, Material.GRASS)
    frame, length, width = Frame.of_envelope(block)
    for axis in (frame.turned(rng.uniform(15, 40)), frame.turned(-rng.uniform(15, 40))):
        path = axis.line(-length, 0, length, 0).buffer(1.3).intersection(block)
        site.cover(path, Material.GRAVEL)
    if width > 45:
        u = rng.uniform(-0.15, 0.15) * length
        site.cover(frame.rectangle(u - 16, u + 16, -12, 12), Material.TURF)
    site.plant(block.buffer(-3), 10, (2.2, 5.5), rng)


def _wood(site: Site, block: Polygon, density: float, limits: Limits, rng: np.random.Generator) -> None:
    site.cover(block, Material.SOIL)
    site.plant(block, 3.6, (2.2, 4.6), rng)


FILLERS: dict[str, Callable[[Site, Polygon, float, Limits, np.random.Generator], None]] = {
    "detached": detached, "terrace": terraces, "perimeter": _perimeter, "flats": _flats,
    "trade": _trade, "towers": _towers, "park": _park, "wood": _wood,
}  # fmt: skip
