"""The site: a list of everything on the ground, and the parcels that it stands on."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from img2height.scenes.city.buildings import Design
from img2height.scenes.city.geometry import Frame, points_along, polygons
from img2height.scenes.city.model import ROOF_MATERIALS, Material


@dataclass
class Site:
    """The objects to draw.

    Attributes:
        surfaces: ground in the order of drawing.
        buildings: designs and their roof materials.
        trees: x, y, crown radius and height in metres, Nx4 each.
        cars: x, y and unit vector of the heading, Nx4 each.
    """

    surfaces: list[tuple[Polygon, Material]] = field(default_factory=list)
    buildings: list[tuple[Design, Material]] = field(default_factory=list)
    trees: list[np.ndarray] = field(default_factory=list)
    cars: list[np.ndarray] = field(default_factory=list)

    def cover(self, area: BaseGeometry, material: Material, min_area_m2: float = 1.0) -> None:
        """Add ground of a material on all polygons of an area."""
        self.surfaces += [(piece, material) for piece in polygons(area, min_area_m2)]

    def build(self, design: Design, material: Material) -> None:
        """Add a building."""
        self.buildings.append((design, material))

    def plant(self, area: BaseGeometry, spacing_m: float, sizes: tuple[float, float], rng: np.random.Generator) -> None:
        """Scatter trees over an area, one per `spacing_m`² on average, crown radius drawn from `sizes` in metres."""
        if area.is_empty:
            return
        count = rng.poisson(area.area / spacing_m**2)
        x0, y0, x1, y1 = area.bounds
        xy = rng.uniform((x0, y0), (x1, y1), (4 * count + 8, 2))
        xy = xy[shapely.contains_xy(area, *xy.T)][:count]
        self.trees.append(crowns(xy, sizes, rng))

    def park_cars(
        self, line: BaseGeometry, share: float, spacing_m: float, across: bool, rng: np.random.Generator
    ) -> None:
        """Add cars along a line, or side by side across it, on a share of the positions."""
        places = points_along(line, spacing_m, spacing_m / 2)
        places = places[rng.random(len(places)) < share]
        if across:
            places[:, 2:] = np.stack([-places[:, 3], places[:, 2]], 1)
        self.cars.append(places)


def roof_material(rng: np.random.Generator) -> Material:
    """Return a roof material, drawn independently of the building: colour must not reveal the height."""
    return ROOF_MATERIALS[rng.integers(len(ROOF_MATERIALS))]


def crowns(xy: np.ndarray, sizes: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Return trees at given positions: x, y, crown radius and height in metres, Nx4 float64."""
    radius = rng.uniform(*sizes, len(xy))
    return np.column_stack([xy, radius, 2.5 + radius * rng.uniform(1.7, 2.9, len(xy))])


@dataclass(frozen=True)
class Lot:
    """A parcel: its polygon and a frame at the centre of its front, u along the street, v into the land."""

    polygon: Polygon
    front: Frame
    width_m: float
    depth_m: float


def lots(block: Polygon, width_m: float, rng: np.random.Generator) -> list[Lot]:
    """Return the parcels of a block: one row, or two rows back to back where it is wide enough."""
    frame, length, width = Frame.of_envelope(block)
    count = max(1, round(length / width_m))
    edges = np.linspace(-length / 2, length / 2, count + 1)
    edges[1:-1] += rng.uniform(-0.1, 0.1, count - 1) * width_m
    sides = [frame, frame.turned(180)] if width > 38 else [frame]
    parcels = []
    for side in sides:
        back = 0.0 if len(sides) == 2 else width / 2 + 1
        for u0, u1 in pairwise(edges):
            pieces = polygons(side.rectangle(u0, u1, -width / 2 - 1, back).intersection(block), 120)
            parcels += [_lot(piece, side, u0, u1) for piece in pieces[:1]]
    return parcels


def _lot(piece: Polygon, side: Frame, u0: float, u1: float) -> Lot:
    """Align the front of a parcel with the street, which may run at a small angle to the block."""
    xy = np.asarray(piece.exterior.coords)
    u, v = side.local(*xy.T)
    left, right = (v[np.abs(u - edge) < 0.45 * (u1 - u0)].min(initial=v.max()) for edge in (u0, u1))
    turn = float(np.clip(np.degrees(np.arctan2(right - left, u1 - u0)), -20, 20))
    front = side.at((u0 + u1) / 2, (left + right) / 2).turned(turn)
    return Lot(piece, front, u1 - u0, float(v.max() - (left + right) / 2))
