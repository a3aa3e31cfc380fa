"""What the map shows of a scene: an image, references and methods, each read by windows of one grid."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import geopandas
import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.heights import is_valid, read_compared
from img2height.io.display import Picture
from img2height.io.rasters import read_heights
from img2height.view.frame import Frame
from img2height.view.tiles import Reader
from img2height.vocabulary.quantities import QUANTITIES, RELATIVE, SURFACE, TERRAIN

NAMES = {
    SURFACE: "surface elevation",
    TERRAIN: "terrain elevation",
    RELATIVE: "relative height, no unit",
}
ABOVE_GROUND = "height above ground"


@dataclass(frozen=True)
class Method:
    """The heights of one method.

    Attributes:
        name: for the reader.
        quantity: what the heights are, for the legend.
        read: returns the heights of a window, HxW float32 metres, NaN where missing.
        reference: key of the heights that it is compared with; empty if there are none.
        buildings: its polygons in map coordinates, if any.
    """

    name: str
    quantity: str
    read: Reader
    reference: str = ""
    buildings: geopandas.GeoDataFrame | None = None


@dataclass(frozen=True)
class ShownScene:
    """A scene.

    Attributes:
        name: in links to it.
        title: for the reader.
        frame: position on the map.
        methods: at least one.
        picture: of its image, if any.
        refined: how often the pixels of the picture are halved against those of the heights.
        references: heights to compare with, by key.
        footprints: reference polygons in map coordinates, if any.
        about: source, licence and vertical reference.
    """

    name: str
    title: str
    frame: Frame
    methods: list[Method]
    picture: Picture | None = None
    refined: int = 0
    references: Mapping[str, Reader] = field(default_factory=dict)
    footprints: geopandas.GeoDataFrame | None = None
    about: Mapping[str, str] = field(default_factory=dict)


Opener = Callable[[ExitStack], ShownScene]  # opens a scene; the stack closes its rasters


def plain_reader(raster: DatasetReader) -> Reader:
    """Return a reader of the heights of a raster as they are."""
    return lambda window: valid_or_nan(read_heights(raster, window))


def compared_readers(raster: DatasetReader, layers: Mapping[str, DatasetReader]) -> tuple[Reader, Reader]:
    """Return readers of predicted and reference heights as they are scored, see `read_compared`."""

    def reader(index: int) -> Reader:
        def read(window: Window) -> np.ndarray:
            return valid_or_nan(read_compared(raster, layers, window)[index])

        return read

    return reader(0), reader(1)


def valid_or_nan(heights: np.ndarray) -> np.ndarray:
    """Return heights, NaN where they are missing."""
    return np.where(is_valid(heights), heights, np.float32(np.nan))


def quantity_name(stated: str | None, *, compared: bool = False) -> str:
    """Return what heights are, for the legend.

    Args:
        stated: description of their band.
        compared: whether they are shown as they are scored, surface heights above the terrain.
    """
    if stated == SURFACE and compared:
        return ABOVE_GROUND
    if stated in NAMES:
        return NAMES[stated]
    return ABOVE_GROUND if stated in QUANTITIES or compared else "height"
