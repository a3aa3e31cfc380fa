"""The quantities of a height raster: their reference layers, and which are ranked together.

The name of a quantity is the description of its band and the `target` of a recipe.
"""

from collections.abc import Container
from dataclasses import dataclass

ABOVE, BUILDINGS, SURFACE, TERRAIN, RELATIVE = "ndsm", "building_height", "dsm", "dem", "relative"
SPREAD = "height_spread"  # of a further band


@dataclass(frozen=True)
class Group:
    """Quantities with comparable errors, so that their methods are ranked together.

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
        group: methods with which it is ranked.
        references: layers against which its errors are measured; the first that a scene has is used.
        needs: further layers needed for the comparison.
        learnt_from: the layer from which a method learns it; empty if it is not a target.
        above_ground: whether 0 m is the ground.
    """

    name: str
    group: Group
    references: tuple[str, ...]
    needs: tuple[str, ...] = ()
    learnt_from: str = ""
    above_ground: bool = False

    def reference(self, layers: Container[str]) -> str:
        """Return the layer of a scene against which errors are measured; the first choice if it has none of them."""
        return next((name for name in self.references if name in layers), self.references[0])


# In the order of the tables.
METRES = Group("heights", "Heights in metres")
OF_BUILDINGS = Group(
    BUILDINGS,
    "Building heights only",
    "building heights, 0 m outside footprints: ranked with the others on buildings only",
)
FITTED = Group(
    RELATIVE,
    "Relative heights",
    "relative heights, fitted to the reference before they are scored: not ranked with heights in metres",
)
GROUPS = {group.name: group for group in (METRES, OF_BUILDINGS, FITTED)}
# Heights above ground, surface heights and terrain heights have comparable errors.
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
# All layers that some quantity is compared with.
REFERENCES = tuple(dict.fromkeys(name for each in QUANTITIES.values() for name in (*each.references, *each.needs)))
ABOVE_GROUND = tuple(name for name, quantity in QUANTITIES.items() if quantity.above_ground)
TARGETS = tuple(name for name, quantity in QUANTITIES.items() if quantity.learnt_from)


def quantity_of(name: str) -> Quantity:
    """Return the quantity of a band; height above ground if it is not declared."""
    return QUANTITIES.get(name, QUANTITIES[ABOVE])
