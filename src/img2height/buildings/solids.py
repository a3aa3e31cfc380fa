"""Closed blocks from outlines and heights, as faces of whole-numbered vertices."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

UNIT_M = 0.0001  # of a vertex: where millimetres are whole numbers, walls of narrow corners can come to cross
# Four walls must not share an edge, or the solid is invalid; an outline that touches itself is pulled back by this gap.
GAP_M = 0.002
SURFACES = [{"type": "GroundSurface"}, {"type": "RoofSurface"}, {"type": "WallSurface"}]

Vertex = tuple[int, int, int]


@dataclass
class Solids:
    """The blocks of a file or of a feature, which share a list of vertices.

    Attributes:
        origin: x and y of vertex (0, 0) in whole metres.
        vertices: number of each vertex, in multiples of `UNIT_M` from the origin.
    """

    origin: tuple[int, int]
    vertices: dict[Vertex, int] = field(default_factory=dict)

    def of(self, outline: BaseGeometry, base_m: float, top_m: float, lod: str) -> list[dict[str, Any]]:
        """Return a CityJSON solid for each part of an outline, with its surfaces; none if it has no height.

        Args:
            outline: polygon or multipolygon in map coordinates.
            base_m: elevation of the floor.
            top_m: elevation of the roof.
            lod: level of detail.
        """
        base, top = round(base_m / UNIT_M), round(top_m / UNIT_M)
        if top <= base:
            return []
        return [self._solid(part, base, top, lod) for part in self._parts(outline)]

    def listed(self) -> list[list[int]]:
        """Return the vertices in the order of their numbers."""
        return [list(vertex) for vertex in self.vertices]

    def _solid(self, outline: Polygon, base: int, top: int, lod: str) -> dict[str, Any]:
        faces = self._shell(outline, base, top)
        surfaces = {"surfaces": SURFACES, "values": [[0, 1, *[2] * (len(faces) - 2)]]}
        return {"type": "Solid", "lod": lod, "boundaries": [faces], "semantics": surfaces}

    def _parts(self, outline: BaseGeometry) -> list[Polygon]:
        """Return the outline in whole units from the origin, outer rings counter-clockwise, not touching itself."""
        local = shapely.transform(outline, lambda xy: xy - self.origin)
        corners = shapely.get_coordinates(local)
        rings = len(shapely.get_rings(local))
        if len(corners) - rings > len(np.unique(corners, axis=0)):
            local = local.buffer(-GAP_M, join_style="mitre")
        rounded = shapely.set_precision(local, UNIT_M)
        whole = shapely.transform(rounded, lambda xy: np.rint(xy / UNIT_M))
        return [orient(part) for part in shapely.get_parts(whole) if part.area > 0]

    def _shell(self, outline: Polygon, base: int, top: int) -> list[list[list[int]]]:
        """Return the faces of a block, floor and roof first, each counter-clockwise as seen from outside."""
        rings = [np.asarray(ring.coords)[:-1].astype(int).tolist() for ring in (outline.exterior, *outline.interiors)]
        floor, roof = ([[self._number(x, y, level) for x, y in ring] for ring in rings] for level in (base, top))
        walls = [
            [[below[i - 1], below[i], above[i], above[i - 1]]]
            for below, above in zip(floor, roof, strict=True)
            for i in range(len(below))
        ]
        return [[ring[::-1] for ring in floor], roof, *walls]

    def _number(self, x: int, y: int, level: int) -> int:
        return self.vertices.setdefault((x, y, level), len(self.vertices))
