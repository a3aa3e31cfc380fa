"""What a network may predict beside heights: to add a class of pixels, add an entry to `CLASSES`.

Recipes, training, prediction and building extraction take the names from here.
"""

from dataclasses import dataclass

HEIGHT, FOOTPRINT, WALL = "height", "footprint", "wall"
AUXILIARY = "aux_"  # begins the names of outputs of auxiliary heads, which are only used in training


@dataclass(frozen=True)
class PixelClass:
    """A class of pixels that a network may predict, as two logits: of all other pixels, and of the class.

    Attributes:
        name: of the output.
        layer: the mask of a scene from which it is learnt.
        band: description of the band that holds its probability.
    """

    name: str
    layer: str
    band: str


# In the order of the bands.
CLASSES = {
    each.name: each
    for each in (
        PixelClass(FOOTPRINT, "building", "building_probability"),
        PixelClass(WALL, "wall", "wall_probability"),
    )
}
OUTPUTS = (HEIGHT, *CLASSES)
