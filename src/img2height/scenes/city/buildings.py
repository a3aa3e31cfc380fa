"""Buildings: roofs as functions of position, and the designs (house, hall, slab, tower) made from them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from shapely import Polygon

from img2height.scenes.city.geometry import MAP_AXES, Frame, polygons

Roof = Literal["flat", "gabled", "hipped", "shed"]


@dataclass(frozen=True)
class Limits:
    """Lowest and highest allowed building, metres above ground."""

    low_m: float
    high_m: float

    def eaves(self, wanted_m: float, rise_m: float = 0.0) -> float:
        """Return the eaves height closest to the wanted one that leaves room for the rise of the roof, in metres."""
        return float(np.clip(wanted_m, self.low_m, max(self.high_m - rise_m, self.low_m)))


@dataclass(frozen=True)
class Part:
    """One roof surface over a polygon with vertical walls.

    Attributes:
        polygon: the area that it covers.
        kind: flat, or rising from the eaves on both long sides, on all sides, or on one side.
        eaves_m: height of its lowest edge above ground.
        pitch: rise per metre.
        frame: axes of gabled and shed roofs, u along the ridge.
        half_width_m: distance of ridge (gabled) or middle (shed) from the eaves.
        outline: the outline from which a hipped roof rises: the polygon, unless it is a piece of a longer house.
        top_m: height at which a hipped roof is truncated.
    """

    polygon: Polygon
    kind: Roof
    eaves_m: float
    pitch: float = 0.0
    frame: Frame = MAP_AXES
    half_width_m: float = 0.0
    outline: Polygon | None = None
    top_m: float = np.inf

    def heights(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return roof heights above ground at points inside the polygon, float32 metres."""
        if self.kind == "flat":
            return np.full(x.shape, self.eaves_m, np.float32)
        if self.kind == "hipped":
            edge = (self.outline or self.polygon).boundary
            rise = self.pitch * shapely.distance(edge, shapely.points(x, y))
        else:
            v = self.frame.local(x, y)[1]
            rise = self.pitch * (self.half_width_m - np.abs(v) if self.kind == "gabled" else self.half_width_m + v)
        return np.minimum(self.eaves_m + np.maximum(rise, 0), self.top_m).astype(np.float32)


@dataclass(frozen=True)
class Design:
    """A building before it is placed.

    Attributes:
        footprint: the area that it covers.
        parts: roof surfaces that cover the footprint; the highest counts.
        roof: name of the roof.
    """

    footprint: Polygon
    parts: tuple[Part, ...]
    roof: str


def gable(frame: Frame, length: float, width: float, eaves_m: float, pitch: float) -> Part:
    """Return a gabled part in the middle of a frame, ridge along u."""
    shape = frame.rectangle(-length / 2, length / 2, -width / 2, width / 2)
    return Part(shape, "gabled", eaves_m, pitch, frame, width / 2)


def house(frame: Frame, length: float, width: float, limits: Limits, rng: np.random.Generator) -> Design:
    """Return a detached house of one to three storeys; half are gabled, the others hipped, L-shaped or flat."""
    kind = rng.choice(["gabled", "hipped", "l_shaped", "flat", "shed"], p=[0.4, 0.22, 0.2, 0.12, 0.06])
    pitch = rng.uniform(0.45, 1.0) if kind != "shed" else rng.uniform(0.12, 0.3)
    storeys = 3.0 * rng.choice([1, 2, 3], p=[0.45, 0.47, 0.08]) + rng.uniform(0, 0.8)
    rise = pitch * (width if kind == "shed" else width / 2)
    eaves = limits.eaves(storeys, 0 if kind == "flat" else rise)
    shape = frame.rectangle(-length / 2, length / 2, -width / 2, width / 2)
    if kind == "flat":
        return Design(
            shape, (Part(shape, "flat", eaves), *_stepped_top(frame, length, width, eaves, limits, rng)), "flat"
        )
    if kind == "hipped":
        return Design(shape, (Part(shape, "hipped", eaves, pitch),), "hipped")
    if kind == "shed":
        return Design(shape, (Part(shape, "shed", eaves, pitch, frame, width / 2),), "shed")
    footprint = shape
    parts = [gable(frame, length, width, eaves, pitch)]
    if kind == "l_shaped":
        parts.append(_wing(frame, length, width, eaves, pitch, rng))
        (footprint,) = polygons(shapely.union(shape, parts[1].polygon))
    if rise > 2 and rng.random() < 0.7:
        parts.append(_chimney(frame, length, eaves + rise, limits, rng))
    return Design(footprint, tuple(parts), str(kind))


def _wing(frame: Frame, length: float, width: float, eaves: float, pitch: float, rng: np.random.Generator) -> Part:
    breadth = min(rng.uniform(0.55, 0.8) * width, length * 0.5)
    reach = width / 2 + rng.uniform(3.0, 5.0)
    side = rng.choice([-1, 1])
    axis = frame.at(side * (length - breadth) / 2, reach / 2).turned(90)
    return gable(axis, reach, breadth, eaves, pitch)


def _chimney(frame: Frame, length: float, ridge_m: float, limits: Limits, rng: np.random.Generator) -> Part:
    u, v = rng.uniform(-0.35, 0.35) * length, rng.uniform(-0.8, 0.8)
    return Part(frame.rectangle(u - 0.5, u + 0.5, v - 0.5, v + 0.5), "flat", limits.eaves(ridge_m + 0.6))


def _stepped_top(
    frame: Frame, length: float, width: float, eaves: float, limits: Limits, rng: np.random.Generator
) -> list[Part]:
    if rng.random() < 0.5 or eaves + 3 > limits.high_m:
        return []
    u = rng.uniform(-0.1, 0.25) * length
    return [Part(frame.rectangle(-length / 2, u, -width * 0.5, width * 0.3), "flat", eaves + 2.8)]


def equipment(
    frame: Frame, length: float, width: float, roof_m: float, limits: Limits, rng: np.random.Generator
) -> list[Part]:
    """Return lift housings and ventilation boxes on a flat roof."""
    parts = []
    for _ in range(int(rng.integers(1, 2 + int(length * width / 150)))):
        u, v = rng.uniform(-0.38, 0.38) * length, rng.uniform(-0.3, 0.3) * width
        a, b = rng.uniform(0.8, 2.6, 2)
        parts.append(
            Part(frame.rectangle(u - a, u + a, v - b, v + b), "flat", limits.eaves(roof_m + rng.uniform(1, 3)))
        )
    return parts


def slab(frame: Frame, length: float, width: float, roof_m: float, limits: Limits, rng: np.random.Generator) -> Design:
    """Return a block of flats: flat with equipment, stepped back, or with a low hipped roof."""
    roof_m = limits.eaves(roof_m, 4.0)
    shape = frame.rectangle(-length / 2, length / 2, -width / 2, width / 2)
    kind = rng.choice(["flat", "stepped", "hipped"], p=[0.55, 0.25, 0.2])
    if kind == "hipped":
        return Design(shape, (Part(shape, "hipped", roof_m, min(0.5, 8 / width)),), "hipped")
    parts = [Part(shape, "flat", roof_m)]
    if kind == "stepped":
        low = limits.eaves(roof_m - 3.0 * int(rng.integers(1, 4)))
        cut = rng.uniform(-0.2, 0.2) * length
        side = frame if rng.random() < 0.5 else frame.turned(180)
        parts = [
            Part(side.rectangle(-length / 2, cut, -width / 2, width / 2), "flat", roof_m),
            Part(side.rectangle(cut, length / 2, -width / 2, width / 2), "flat", low),
        ]
    return Design(shape, (*parts, *equipment(frame, length * 0.9, width, roof_m, limits, rng)), str(kind))


def hall(frame: Frame, length: float, width: float, limits: Limits, rng: np.random.Generator) -> Design:
    """Return a commercial hall: flat, low gabled, or with a row of shed roofs."""
    roof_m = limits.eaves(rng.uniform(4.5, 12.0), 4.0)
    shape = frame.rectangle(-length / 2, length / 2, -width / 2, width / 2)
    kind = rng.choice(["flat", "gabled", "shed"], p=[0.5, 0.25, 0.25])
    if kind == "gabled":
        return Design(shape, (gable(frame, length, width, roof_m, 3.0 / width),), "gabled")
    if kind == "shed":
        bays = max(2, round(width / 8))
        bay = width / bays
        middles = [frame.at(0, (i + 0.5) * bay - width / 2) for i in range(bays)]
        strips = [m.rectangle(-length / 2, length / 2, -bay / 2, bay / 2) for m in middles]
        pitch = 2.5 / bay
        return Design(
            shape,
            tuple(Part(s, "shed", roof_m, pitch, m, bay / 2) for s, m in zip(strips, middles, strict=True)),
            "shed",
        )
    return Design(shape, (Part(shape, "flat", roof_m), *equipment(frame, length, width, roof_m, limits, rng)), "flat")


def tower(frame: Frame, length: float, width: float, roof_m: float, limits: Limits, rng: np.random.Generator) -> Design:
    """Return a tower that steps back two or three times and has a machine room on top."""
    roof_m = limits.eaves(roof_m, 4.0)
    parts, share = [], 1.0
    for level in [*np.sort(rng.uniform(0.3, 0.9, int(rng.integers(1, 3)))), 1.0]:
        a, b = share * length / 2, share * width / 2
        parts.append(Part(frame.rectangle(-a, a, -b, b), "flat", limits.eaves(level * roof_m)))
        share *= rng.uniform(0.72, 0.9)
    a, b = 0.22 * length, 0.2 * width
    parts.append(Part(frame.rectangle(-a, a, -b, b), "flat", limits.eaves(roof_m + rng.uniform(2, 4))))
    return Design(parts[0].polygon, tuple(parts), "stepped")
