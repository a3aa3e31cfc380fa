"""The quantities that a height raster may hold: what they are learnt from and compared with, and which meet in a table.

The name of a quantity is the description of its band and the `target` of a recipe.
"""

from collections.abc import Container
from dataclasses import dataclass

ABOVE, BUILDINGS, SURFACE, TERRAIN, RELATIVE = "ndsm", "building_height", "dsm", "dem", "relative"
PROBABILITY, SPREAD = "building_probability", "height_spread"  # of further bands


@dataclass(frozen=True)
class Group:
    """Quantities whose errors are the same thing, so that their methods are ranked together.

    Attributes:
        name: in tables.
        title: heading of its rows.
        reason: why its methods are not ranked with those of the first group; empty for the first.
    """

    name: str
    title: str
    reason: str = ""


@dataclass(frozen=True)
class Quantity:
    """A quantity of height.

    Attributes:
        name: of the band.
        group: methods that it is ranked with.
        references: layers that its errors are measured from; the first that a scene has.
        needs: further layers that the comparison takes.
        learnt_from: the layer that a method learns it from; empty where it is no target.
        above_ground: whether 0 m is the ground.
    """

    name: str
    group: Group
    references: tuple[str, ...]
    needs: tuple[str, ...] = ()
    learnt_from: str = ""
    above_ground: bool = False

    def reference(self, layers: Container[str]) -> str:
        """Return the layer that errors are measured from, of those that a scene has; the first choice without any."""
        return next((name for name in self.references if name in layers), self.references[0])


# In the order of the tables.
METRES = Group("heights", "Heights in metres")
OF_BUILDINGS = Group(
    BUILDINGS,
    "Heights of buildings alone",
    "building heights, 0 m outside footprints: ranked with the others on buildings alone",
)
FITTED = Group(
    RELATIVE,
    "Relative heights",
    "relative heights, fitted to the reference before they are scored: not ranked with heights in metres",
)
GROUPS = {group.name: group for group in (METRES, OF_BUILDINGS, FITTED)}
# Heights above ground, of surfaces and of terrain leave the same errors.
QUANTITIES = {
    quantity.name: quantity
    for quantity in (
        Quantity(ABOVE, METRES, ("ndsm",), learnt_from="ndsm", above_ground=True),
        Quantity(BUILDINGS, OF_BUILDINGS, ("ndsm",), ("building",), "ndsm", above_ground=True),
        Quantity(SURFACE, METRES, ("ndsm",), ("dtm",), "dsm"),
        Quantity(TERRAIN, METRES, ("dtm",), learnt_from="dtm"),
        Quantity(RELATIVE, FITTED, ("ndsm", "dtm")),
    )
}
ABOVE_GROUND = tuple(name for name, quantity in QUANTITIES.items() if quantity.above_ground)
TARGETS = tuple(name for name, quantity in QUANTITIES.items() if quantity.learnt_from)


def quantity_of(name: str) -> Quantity:
    """Return the quantity of a band; what is not declared is height above ground."""
    return QUANTITIES.get(name, QUANTITIES[ABOVE])
