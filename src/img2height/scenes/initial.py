"""A surface model that is given to a prediction, brought to metres and filled like that of a scene."""

from pathlib import Path

from img2height.io.grid import Grid
from img2height.io.rasters import open_raster
from img2height.scenes.filling import fill_layer
from img2height.scenes.sources import check_raster
from img2height.scenes.warp import bring_to_grid
from img2height.settings.dataset import Layer
from img2height.vocabulary.layers import INITIAL


def bring_initial(path: Path, folder: Path, unit: str) -> tuple[Path, int]:
    """Return a delivered surface model in metres with its holes filled, on its own grid, and the number filled.

    Args:
        path: the delivered raster.
        folder: where dsm_initial.tif and dsm_filled.tif are written.
        unit: unit of its heights.

    Raises:
        DataError: the file cannot be read, or contains no heights.
    """
    with open_raster(path) as raster:
        grid = Grid.of(raster)
    surface = folder / "dsm_initial.tif"
    bring_to_grid(check_raster("dsm_initial", Layer(path=path.name, unit=unit), path.parent), grid, surface)
    return surface, fill_layer(folder, grid, INITIAL)
