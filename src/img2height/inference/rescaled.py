"""Given rasters whose pixels are larger or smaller than those of the training, resampled to them."""

import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from affine import Affine

from img2height.io.atomic import atomic_folder
from img2height.io.bands import ALPHA
from img2height.io.grid import Grid
from img2height.models.folder import LoadedModel
from img2height.scenes.scene import Scene
from img2height.scenes.sources import check_raster
from img2height.scenes.warp import bring_to_grid
from img2height.settings.dataset import Layer
from img2height.vocabulary.layers import layer_of
from img2height.vocabulary.tiles import GSD_TOLERANCE

logger = logging.getLogger(__name__)

ROUNDING_PX = 1e-6  # of the size of a grid; without it a rounded ratio may add a row or column beyond the extent
MOST_RATIO = 2.0  # between the sizes of pixels, either way; `python benchmarks/gsd.py` shows what resampling costs


def trained_grid(grid: Grid, gsd_m: float) -> Grid | None:
    """Return a grid of the same extent with the pixel size of the training, if resampling to it is needed and sensible.

    None if the pixels fit as they are, or differ by more than a factor of `MOST_RATIO`.

    Args:
        grid: of the given rasters.
        gsd_m: pixel size of the training, in metres.
    """
    ratios = [gsd_m / side_m for side_m in grid.pixel_m]
    fits = all(abs(1 / ratio - 1) <= GSD_TOLERANCE for ratio in ratios)
    if fits or not all(1 / MOST_RATIO <= round(ratio, 6) <= MOST_RATIO for ratio in ratios):
        return None
    across, down = ratios
    width, height = (
        math.ceil(size / ratio - ROUNDING_PX) for size, ratio in ((grid.width, across), (grid.height, down))
    )
    return Grid(grid.crs, grid.transform @ Affine.scale(across, down), width, height)


def with_pixels_of(model: LoadedModel, grid: Grid) -> LoadedModel:
    """Return a model whose card has the pixel size of a grid, so that all else about rasters on it can be checked."""
    return replace(model, card=model.card.model_copy(update={"gsd_m": grid.gsd_m}))


def bring_to_trained(scene: Scene, grid: Grid, folder: Path) -> Scene:
    """Return a scene whose rasters are on another grid, as copies in a folder, resampled as in preparation.

    Args:
        scene: of given rasters.
        grid: see `trained_grid`.
        folder: kept if it exists, because it is written as a whole.
    """
    logger.warning(
        "%s: resampled from pixels of %.3g m to those of the training, %.3g m; the results have these pixels",
        scene.name, scene.grid.gsd_m, grid.gsd_m,
    )  # fmt: skip
    if not folder.exists():
        with atomic_folder(folder) as making:
            for name, layer in scene.layers.items():
                path = scene.path(name).resolve()
                bands = _named(layer.bands) if layer_of(name).kind != "height" else None
                declared = Layer(path=path.name, bands=bands, **_declared(name, layer.unit))
                source = check_raster(name, declared, path.parent)
                bring_to_grid(source, grid, making / f"{name}.tif", may_be_empty=True)
    layers = {
        name: replace(layer, file=str(folder / f"{name}.tif"), sha256="", bands=_named(layer.bands),
                      unit="metre" if layer_of(name).kind == "height" else layer.unit)
        for name, layer in scene.layers.items()
    }  # fmt: skip
    return replace(scene, grid=grid, layers=layers)


def _named(bands: Sequence[str]) -> list[str]:
    """Return the names of bands without alpha; those without a name get one, because a layer has to name all."""
    return [band or f"unnamed_{number}" for number, band in enumerate(bands, start=1) if band != ALPHA]


def _declared(name: str, unit: str) -> dict[str, str]:
    """Return what the file of a layer need not state, because it is known."""
    kind = layer_of(name).kind
    if kind == "height":
        return {"unit": unit}
    return {"backscatter": "decibel"} if kind == "backscatter" else {}
