"""Plane geometry of the city in local metres: x to the east, y to the south, origin in the north-west corner."""

from dataclasses import dataclass

import numpy as np
import shapely
from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry


def direction(azimuth_deg: float) -> tuple[float, float]:
    """Return the unit vector (x east, y south) of an azimuth clockwise from north."""
    angle = np.radians(azimuth_deg)
    return float(np.sin(angle)), float(-np.cos(angle))


@dataclass(frozen=True)
class Frame:
    """Local axes: origin, unit vector of u; v is u turned by 90 degrees."""

    x: float
    y: float
    ux: float
    uy: float

    @classmethod
    def of_envelope(cls, polygon: BaseGeometry) -> tuple["Frame", float, float]:
        """Return the smallest rectangle around a polygon: a frame at its centre, u along the long side, and lengths."""
        corners = shapely.get_coordinates(shapely.oriented_envelope(polygon))
        sides = np.diff(corners[:3], axis=0)  # 2 x 2
        lengths = np.hypot(*sides.T)
        long = int(np.argmax(lengths))
        ux, uy = sides[long] / max(lengths[long], 1e-9)
        x, y = corners[:4].mean(axis=0)
        return cls(float(x), float(y), float(ux), float(uy)), float(lengths[long]), float(lengths[1 - long])

    def at(self, u: float, v: float) -> "Frame":
        """Return the same axes with the origin moved to (u, v)."""
        x, y = self.point(u, v)
        return Frame(x, y, self.ux, self.uy)

    def turned(self, degrees: float) -> "Frame":
        """Return the frame rotated about its origin."""
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        return Frame(self.x, self.y, float(self.ux * cos - self.uy * sin), float(self.ux * sin + self.uy * cos))

    def point(self, u: float, v: float) -> tuple[float, float]:
        """Return x and y of (u, v)."""
        return self.x + u * self.ux - v * self.uy, self.y + u * self.uy + v * self.ux

    def local(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return u and v of points."""
        dx, dy = x - self.x, y - self.y
        return dx * self.ux + dy * self.uy, -dx * self.uy + dy * self.ux

    def rectangle(self, u0: float, u1: float, v0: float, v1: float) -> Polygon:
        """Return the rectangle between two corners given in u and v."""
        return Polygon([self.point(u0, v0), self.point(u1, v0), self.point(u1, v1), self.point(u0, v1)])

    def line(self, u0: float, v0: float, u1: float, v1: float) -> LineString:
        """Return the line between two points given in u and v."""
        return LineString([self.point(u0, v0), self.point(u1, v1)])


MAP_AXES = Frame(0, 0, 1, 0)


def polygons(geometry: BaseGeometry, min_area_m2: float = 1.0) -> list[Polygon]:
    """Return the polygons of any geometry, without slivers."""
    parts = shapely.get_parts(geometry)
    return [part for part in parts if part.geom_type == "Polygon" and part.area >= min_area_m2]


def points_along(line: BaseGeometry, spacing_m: float, start_m: float = 0.0) -> np.ndarray:
    """Return x, y and the unit tangent at equal distances along a line, Nx4 float64."""
    stations = np.arange(start_m, line.length, spacing_m)
    here = shapely.get_coordinates(line.interpolate(stations))
    ahead = shapely.get_coordinates(line.interpolate(np.minimum(stations + 0.5, line.length)))
    behind = shapely.get_coordinates(line.interpolate(np.maximum(stations - 0.5, 0)))
    tangent = ahead - behind
    return np.hstack([here, tangent / np.maximum(np.hypot(*tangent.T), 1e-9)[:, None]])
