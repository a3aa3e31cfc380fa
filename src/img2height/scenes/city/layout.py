"""The layout of a city: streets that divide the land into blocks, the use of each block, and water."""

from dataclasses import dataclass

import numpy as np
import shapely
from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import split

from img2height.scenes.city.geometry import Frame, polygons
from img2height.settings.city import CitySettings

SIDEWALK_M = 2.0
LONGEST_BLOCK_M = 135.0
WIDEST_BLOCK_M = 82.0
SMALL_M = 250.0  # a district smaller than this has a pond instead of a river, and no landmarks
# Uses by distance from the town centre (near, far), as shares; drawn block by block.
USES = {
    "mixed": {
        "detached": (0.15, 0.60), "terrace": (0.17, 0.15), "perimeter": (0.27, 0.02), "flats": (0.17, 0.08),
        "trade": (0.08, 0.08), "towers": (0.09, 0.0), "park": (0.07, 0.07),
    },
    "towers": {
        "detached": (0.0, 0.15), "terrace": (0.0, 0.10), "perimeter": (0.20, 0.25), "flats": (0.15, 0.25),
        "trade": (0.10, 0.10), "towers": (0.50, 0.08), "park": (0.05, 0.07),
    },
}  # fmt: skip


@dataclass(frozen=True)
class Street:
    """Axis and width of the carriageway; a main street crosses the water on bridges."""

    axis: BaseGeometry
    width_m: float
    main: bool

    @property
    def corridor(self) -> BaseGeometry:
        """Carriageway and pavements."""
        return self.axis.buffer(self.width_m / 2 + SIDEWALK_M, quad_segs=3)


@dataclass(frozen=True)
class Block:
    """Land between streets, and its use."""

    polygon: Polygon
    use: str


@dataclass(frozen=True)
class Layout:
    """Streets, blocks and water of a district."""

    streets: list[Street]
    blocks: list[Block]
    water: BaseGeometry


def draw_layout(settings: CitySettings, rng: np.random.Generator) -> Layout:
    """Return the layout of a district."""
    extent = settings.extent_m
    side = 1.5 * extent + 120
    start = (
        Frame(extent / 2, extent / 2, 1, 0)
        .turned(rng.uniform(0, 90))
        .rectangle(-side / 2, side / 2, -side / 2, side / 2)
    )
    cells, streets = _divide(start, rng)
    bend = _Bend(extent, rng)
    view = shapely.box(0, 0, extent, extent).buffer(5)
    streets = [Street(bend(s.axis), s.width_m, s.main) for s in streets]
    streets = [s for s in streets if s.corridor.intersects(view)]
    water = _water(settings, bend, rng)
    taken = shapely.union_all([s.corridor for s in streets] + [water.buffer(8)])
    land = [piece for cell in cells for piece in polygons(bend(cell).difference(taken), 250)]
    land = [piece for piece in land if piece.intersects(view)]
    return Layout(streets, _use(land, settings, rng), water)


def _divide(start: Polygon, rng: np.random.Generator) -> tuple[list[Polygon], list[Street]]:
    """Return blocks and streets: land is split across its longer side until the pieces are as small as blocks."""
    cells, streets, open_land = [], [], [(start, 0)]
    while open_land:
        land, depth = open_land.pop()
        frame, length, width = Frame.of_envelope(land)
        if (length < LONGEST_BLOCK_M and width < WIDEST_BLOCK_M) or depth > 12:
            cells.append(land)
            continue
        cut = frame.at(rng.uniform(-0.09, 0.09) * length, 0).turned(90 + rng.uniform(-1, 1) * (14 if depth < 3 else 5))
        line = cut.line(-2 * length, 0, 2 * length, 0)
        streets.append(Street(line.intersection(land), *_rank(length, depth)))
        open_land += [(piece, depth + 1) for piece in polygons(split(land, line))]
    return cells, streets


def _rank(length: float, depth: int) -> tuple[float, bool]:
    """Return the width in metres of the street that splits land of a given length, and whether it is a main street."""
    main = depth < 2
    return (13.0 if main and length > 250 else 8.5 if depth < 5 else 6.5), main


class _Bend:
    """A smooth map of the plane that bends straight streets slightly and keeps them connected."""

    def __init__(self, extent_m: float, rng: np.random.Generator) -> None:
        self.phase = rng.uniform(0, 2 * np.pi, 4)
        self.wave = rng.uniform(260, 480, 4)
        self.reach = rng.uniform(3, 9, 4)
        self.centre = extent_m / 2

    def __call__(self, shape: BaseGeometry) -> BaseGeometry:
        return shapely.transform(shapely.segmentize(shape, 8.0), self._move)

    def _move(self, xy: np.ndarray) -> np.ndarray:
        swing = self.reach * np.sin(2 * np.pi * xy[:, [1, 0, 1, 0]] / self.wave + self.phase)  # N x 4
        return xy + swing[:, :2] + swing[:, [3, 2]] * 0.5


def _water(settings: CitySettings, bend: _Bend, rng: np.random.Generator) -> BaseGeometry:
    extent = settings.extent_m
    if not settings.water:
        return Polygon()
    if extent < SMALL_M:  # a river would cover most of so small a district
        angle = rng.uniform(0, 2 * np.pi)
        x, y = extent / 2 + 0.42 * extent * np.array([np.cos(angle), np.sin(angle)])
        turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        radius = 0.09 * extent * (1 + 0.2 * np.sin(2 * turns + angle) + 0.1 * np.cos(3 * turns))
        return Polygon(np.stack([x + radius * np.cos(turns), y + radius * np.sin(turns)], 1))
    course = Frame(extent / 2, extent / 2, 1, 0).turned(rng.uniform(0, 180)).at(0, rng.uniform(-0.38, 0.38) * extent)
    u = np.arange(-extent, extent, 10.0)
    v = 0.06 * extent * np.sin(u / rng.uniform(55, 90) + rng.uniform(0, 6)) + 6 * np.sin(u / 31)
    return bend(LineString([course.point(*uv) for uv in zip(u, v, strict=True)]).buffer(rng.uniform(8, 15)))


def _use(land: list[Polygon], settings: CitySettings, rng: np.random.Generator) -> list[Block]:
    """Assign a use to each block by distance from the town centre; the largest ones are landmarks of every district."""
    extent = settings.extent_m
    centre = rng.uniform(0.25, 0.75, 2) * extent
    shares = np.array(list(USES[settings.preset].values()))
    names = list(USES[settings.preset])
    uses = []
    for piece in land:
        away = np.hypot(piece.centroid.x - centre[0], piece.centroid.y - centre[1]) / (0.55 * max(extent, 300))
        weight = shares @ [max(1 - away, 0.0), min(away, 1.0)]
        uses.append(names[rng.choice(len(names), p=weight / weight.sum())] if piece.area > 900 else "park")
    middle = shapely.Point(extent / 2, extent / 2)
    order = sorted(range(len(land)), key=lambda i: land[i].distance(middle))
    uses[order[0]] = "towers" if settings.preset == "towers" else "detached"
    if extent > SMALL_M:
        view = shapely.box(0, 0, extent, extent)
        large = sorted(order[1:], key=lambda i: -land[i].intersection(view).area)
        landmarks = ["wood"] * max(1, len(land) // 25) + ["flats", "towers", "perimeter"]
        for index, use in zip(large, landmarks, strict=False):
            uses[index] = use
    return [Block(piece, use) for piece, use in zip(land, uses, strict=True)]
