"""Streets on the ground: carriageway, pavements, markings, bridges, parked cars and rows of trees."""

from collections.abc import Iterator

import numpy as np
import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from img2height.scenes.city.canvas import Canvas
from img2height.scenes.city.geometry import points_along
from img2height.scenes.city.layout import SIDEWALK_M, Layout, Street
from img2height.scenes.city.model import Material
from img2height.scenes.city.site import Site, crowns

PIECE_M = 40.0


def pave(canvas: Canvas, layout: Layout) -> None:
    """Draw pavements, carriageways and markings; only main streets cross the water."""
    water = layout.water.buffer(6)
    kept = [(s, s.axis if s.main else s.axis.difference(water)) for s in layout.streets]
    for margin_m, material in ((SIDEWALK_M, Material.CONCRETE), (0.0, Material.ASPHALT)):
        for street, axis in kept:
            canvas.paint(_band(axis, street.width_m / 2 + margin_m), material)
    for street, _ in kept:
        if street.width_m > 8:
            _mark(canvas, street)


def _band(axis: BaseGeometry, half_width_m: float) -> Iterator[Polygon]:
    """Yield the ground along a street in short pieces, because a long oblique one has a huge box and draws slowly."""
    for line in shapely.get_parts(axis):
        for start in np.arange(0, line.length, PIECE_M):
            yield substring(line, start, min(start + PIECE_M, line.length)).buffer(half_width_m, quad_segs=3)


def _mark(canvas: Canvas, street: Street) -> None:
    """Draw the dashed centre line where there is carriageway."""
    for x, y, ux, uy in points_along(street.axis, 9.0):
        u = np.arange(-1.5, 1.5, canvas.gsd_m)
        rows, cols = (((c + u * d) / canvas.gsd_m).astype(int) for c, d in ((y, uy), (x, ux)))
        seen = (rows >= 0) & (cols >= 0) & (rows < canvas.height.shape[0]) & (cols < canvas.height.shape[1])
        rows, cols = rows[seen], cols[seen]
        on_street = canvas.material[rows, cols] == Material.ASPHALT
        canvas.material[rows[on_street], cols[on_street]] = Material.PAINT


def line_streets(site: Site, layout: Layout, rng: np.random.Generator) -> None:
    """Add parked and moving cars, and rows of trees on the pavement of about half of the streets."""
    for street in layout.streets:
        if street.axis.length < 25:
            continue
        axis = street.axis.difference(layout.water.buffer(8))
        lines = [p for p in shapely.get_parts(axis) if p.geom_type == "LineString" and p.length > 25]
        planted, spacing = rng.random() < 0.55, rng.uniform(8, 13)
        for line in lines:
            for side in (-1, 1):
                kerb = line.offset_curve(side * (street.width_m / 2 - 1.1))
                _cars(site, kerb, 0.3, 6.2, rng)
                if street.width_m > 8:
                    _cars(site, line.offset_curve(side * street.width_m / 4.5), 0.35, 17.0, rng)
                if planted:
                    row = points_along(line.offset_curve(side * (street.width_m / 2 + 1.2)), spacing, 6)[:, :2]
                    site.trees.append(crowns(row[rng.random(len(row)) < 0.85], (1.6, 3.4), rng))


def _cars(site: Site, line: shapely.LineString, share: float, spacing_m: float, rng: np.random.Generator) -> None:
    for piece in shapely.get_parts(line):
        if piece.geom_type == "LineString" and piece.length > 16:
            inner = substring(piece, 7, piece.length - 7)
            site.park_cars(inner, share, spacing_m, False, rng)
