"""Blocks of houses with gardens: detached houses, one per parcel, and rows of terraced houses."""

import numpy as np
import shapely
from shapely import Polygon

from img2height.scenes.city.buildings import Design, Limits, Part, house
from img2height.scenes.city.geometry import points_along, polygons
from img2height.scenes.city.model import Material
from img2height.scenes.city.site import Lot, Site, lots, roof_material
from img2height.scenes.city.terraces import terrace_row


def detached(site: Site, block: Polygon, density: float, limits: Limits, rng: np.random.Generator) -> None:
    """Add one house to each parcel, with drive, terrace, garden, and occasionally a shed or a hedge."""
    for lot in lots(block, rng.uniform(16, 22), rng):
        site.cover(lot.polygon, Material.SOIL if rng.random() < 0.05 else Material.GRASS)
        if rng.random() > density or not _settle(site, lot, limits, rng):
            site.plant(lot.polygon.buffer(-2), 8, (1.5, 4.5), rng)


def _settle(site: Site, lot: Lot, limits: Limits, rng: np.random.Generator) -> bool:
    """Build a house that fits the parcel and lay out the garden; return whether one fits."""
    setback = rng.uniform(3.5, 6.5)
    for shrink in (1.0, 0.85, 0.72):
        length = shrink * min(max(lot.width_m - rng.uniform(4, 7), 8.0), rng.uniform(10, 16))
        width = rng.uniform(0.62, 0.85) * length
        axis = lot.front.at(rng.uniform(-0.6, 0.6), setback + width / 2)
        plan = house(axis if rng.random() < 0.75 else axis.turned(90), length, width, limits, rng)
        if lot.polygon.buffer(-0.8).contains(plan.footprint):
            _drive_and_terrace(site, lot, length, setback, width, rng)
            site.build(plan, roof_material(rng))
            _garden(site, lot, plan, setback + width, limits, rng)
            return True
    return False


def _drive_and_terrace(
    site: Site, lot: Lot, length: float, setback: float, width: float, rng: np.random.Generator
) -> None:
    side = rng.choice([-1, 1])
    paving = rng.choice([Material.CONCRETE, Material.BRICK, Material.GRAVEL, Material.ASPHALT])
    u = side * min(length / 2 + 0.3, lot.width_m / 2 - 2.0)
    drive = lot.front.rectangle(u - 1.5, u + 1.5, -1, setback + 0.6 * width)
    patio = lot.front.rectangle(-0.35 * length, 0.2 * length, setback + width, setback + width + rng.uniform(2, 4))
    site.cover(shapely.union(drive, patio), Material(paving))
    if rng.random() < 0.5:
        site.park_cars(lot.front.line(u, 0.5, u, setback + 3), 0.6, 5.5, False, rng)


def _garden(site: Site, lot: Lot, plan: Design, back: float, limits: Limits, rng: np.random.Generator) -> None:
    room = lot.depth_m - back
    if room > 9 and rng.random() < 0.4:
        u, v = rng.choice([-1, 1]) * (lot.width_m / 2 - 3.2), lot.depth_m - 3.5
        shed = lot.front.rectangle(u - 1.8, u + 1.8, v - 1.6, v + 1.6)
        if lot.polygon.contains(shed) and shed.distance(plan.footprint) > 2:
            site.build(Design(shed, (Part(shed, "flat", limits.low_m),), "flat"), roof_material(rng))
    if room > 10 and rng.random() < 0.25:
        bed = lot.front.rectangle(-lot.width_m / 4, lot.width_m / 5, back + 5, back + 8)
        site.cover(bed.intersection(lot.polygon), Material.SOIL)
    ground = lot.polygon.buffer(-1.8).difference(plan.footprint.buffer(2.2))
    for piece in polygons(ground, 12):
        site.plant(piece, 10.5, (1.2, 3.8), rng)
    _hedge(site, lot, rng)


def _hedge(site: Site, lot: Lot, rng: np.random.Generator) -> None:
    """Add low round bushes along one side of a parcel."""
    if rng.random() < 0.4:
        u = lot.width_m / 2 - 0.3
        row = points_along(lot.front.line(u, 6, u, max(lot.depth_m - 1, 7)), 1.3)[:, :2]
        site.trees.append(np.column_stack([row, np.full(len(row), 0.95), rng.uniform(1.3, 2.0, len(row))]))


def terraces(site: Site, block: Polygon, density: float, limits: Limits, rng: np.random.Generator) -> None:
    """Add one row of terraced houses to each parcel, with a yard and a strip of garden behind each house."""
    for lot in lots(block, rng.uniform(34, 48), rng):
        inner = lot.polygon.buffer(-0.8)
        length, width = lot.width_m - rng.uniform(3, 5), rng.uniform(8.5, 10.5)
        row = terrace_row(lot.front.at(0, 4.5 + width / 2), length, width, inner, limits, rng)
        if rng.random() > density or not row:
            site.plant(inner, 9, (1.5, 4), rng)
            continue
        common = roof_material(rng)
        for index, unit in enumerate(row):
            site.build(unit, common if rng.random() < 0.6 else roof_material(rng))
            u = float(lot.front.local(*np.array(unit.footprint.centroid.coords[0]))[0])
            strip = lot.front.rectangle(u - 3.2, u + 3.2, 4.5 + width, lot.depth_m + 5).intersection(lot.polygon)
            yard = lot.front.rectangle(u - 3.2, u + 3.2, 4.5 + width, 7.5 + width).intersection(lot.polygon)
            site.cover(strip, Material.SOIL if index % 5 == 3 else Material.GRASS)
            site.cover(yard, Material.CONCRETE)
            for piece in polygons(strip.buffer(-1.5).difference(unit.footprint.buffer(3.5)), 8):
                site.plant(piece, 9, (1.0, 2.8), rng)
