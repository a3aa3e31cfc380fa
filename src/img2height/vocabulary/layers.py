"""The layers of a scene: to add one, add an entry to `LAYERS`.

Dataset files, recipes, the command line, preparation and pictures take their names and kinds from here.
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

Kind = Literal["image", "view", "backscatter", "height", "mask", "polygons"]
Role = Literal["input", "reference", "stratum"]

NODATA = -9999.0  # of rasters of heights
PRESENT, ABSENT, MISSING = 1, 0, 255  # the values of a mask


@dataclass(frozen=True)
class Layer:
    """One layer that a scene may have.

    Attributes:
        name: in dataset files, recipes and scenes; a view is stored by its number, see `view_name`.
        kind: image (any bands), view (one band of a stereo block), backscatter (decibels), height (metres), mask (1, 0,
            255 missing) or polygons.
        role: input of methods, reference to learn and to be scored against, or land cover that errors are grouped by.
        about: a short description, for help and reference.
        title: heading of its pictures; empty if it has none of its own.
        option: its option of `img2height predict`; empty unless it is an input.
        quantity: the quantity of a height layer, if that is not its name.
        made_of: layers from which preparation derives it if it was not delivered.
    """

    name: str
    kind: Kind
    role: Role
    about: str
    title: str = ""
    option: str = ""
    quantity: str = ""
    made_of: tuple[str, ...] = ()

    @property
    def holds(self) -> str:
        """The quantity of a height layer."""
        return self.quantity or self.name

    @property
    def in_words(self) -> str:
        """The name, and the layers that can replace it."""
        return f"{self.name} (or {' and '.join(self.made_of)})" if self.made_of else self.name

    def is_among(self, delivered: Container[str]) -> bool:
        """Return whether a scene with these layers has this one, delivered or derived."""
        return self.name in delivered or (bool(self.made_of) and all(name in delivered for name in self.made_of))


INITIAL, VIEWS, RADAR = "dsm_initial", "views", "sar"
# A scene lies on the grid of the first layer that it has.
LAYERS = {
    layer.name: layer
    for layer in (
        Layer("eo", "image", "input", "orthorectified optical image", "Image", "--image"),
        Layer(
            RADAR,
            "backscatter",
            "input",
            "radar image; in decibels unless `backscatter` says otherwise",
            "Radar",
            "--sar",
        ),
        Layer("ms", "image", "input", "multispectral image", "Multispectral", "--ms"),
        Layer(INITIAL, "height", "input", "initial surface model; holes are filled", option="--dsm", quantity="dsm"),
        Layer("dsm_filled", "mask", "stratum", "holes of the initial surface model that were filled before delivery"),
        Layer("dtm_filled", "mask", "stratum", "holes of the terrain model that were filled before delivery"),
        Layer(VIEWS, "view", "input", "orthorectified views of a stereo block, numbered from 1", option="--view"),
        Layer("dsm", "height", "reference", "surface model"),
        Layer("dtm", "height", "reference", "terrain model"),
        Layer("ndsm", "height", "reference", "heights above ground", made_of=("dsm", "dtm")),
        Layer("building", "mask", "reference", "building mask", made_of=("building_polygons",)),
        Layer("building_polygons", "polygons", "reference", "building polygons, any vector file"),
        Layer("wall", "mask", "reference", "walls between buildings", made_of=("building_polygons",)),
        Layer("water", "mask", "stratum", "water mask"),
        Layer("forest", "mask", "stratum", "forest mask"),
    )
}
INPUTS = {name: layer for name, layer in LAYERS.items() if layer.role == "input"}
HEIGHTS = tuple(name for name, layer in LAYERS.items() if layer.kind == "height" and layer.role == "reference")
MASKS = tuple(name for name, layer in LAYERS.items() if layer.kind == "mask")
# Order of preference for display: an image before a view, a view before radar.
_SEEN: tuple[Kind, ...] = ("image", "view", "backscatter", "height")
PICTURES = tuple(sorted(INPUTS, key=lambda name: _SEEN.index(INPUTS[name].kind)))


def view_name(number: int) -> str:
    """Return the layer name of a view in a scene, numbered from 1."""
    return f"view_{number}"


def is_view(name: str) -> bool:
    """Return whether a layer of a scene is one of its views."""
    return name.startswith("view_")


def layer_of(name: str) -> Layer:
    """Return the layer of a raster of a scene; views are found by their number."""
    return LAYERS[VIEWS if is_view(name) else name]
