"""The inputs of a model in one scene: checked once against the training data, then read window by window."""

from collections.abc import Container, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.errors import ModelError
from img2height.io.grid import Grid
from img2height.io.pixels import require_one_type, value_type
from img2height.io.projections import metres_per_unit, require_projected
from img2height.models.folder import LoadedModel
from img2height.samples.inputs import InputReader, Patch, layers_read
from img2height.samples.normalise import Normalisation
from img2height.scenes.scene import Scene
from img2height.vocabulary.layers import VIEWS
from img2height.vocabulary.tiles import GSD_TOLERANCE


@dataclass(frozen=True)
class InputWindow:
    """The inputs of a model in one window.

    Attributes:
        inputs: normalised, by layer, C x H x W float32; NaN where an optional layer is missing.
        valid: where heights can be predicted from them, H x W bool; see `Patch.valid`.
        offset_m: metres at the normalised height 0 in this window.
    """

    inputs: dict[str, np.ndarray]
    valid: np.ndarray
    offset_m: float


@dataclass(frozen=True)
class ModelInputs:
    """The open rasters of a scene that a model uses.

    Attributes:
        scene: on the grid of all of them.
        views: numbers of the views to use.
        reader: reads them.
        normalisation: of the model.
    """

    scene: Scene
    views: Sequence[int]
    reader: InputReader
    normalisation: Normalisation

    def read(self, row: int, column: int, size_px: int) -> InputWindow:
        """Return the normalised inputs of one window; pixels beyond the scene are filled by reflection."""
        return self.normalise(self.patch(row, column, size_px))

    def patch(self, row: int, column: int, size_px: int) -> Patch:
        """Return the inputs of one window before normalisation."""
        return self.reader.read(self.scene, Window(column, row, size_px, size_px), self.views)

    def rows(self, window: Window) -> Patch:
        """Return the pixels of a row of windows, read once for all of them; clipped at the end of the scene."""
        return self.reader.read_inside(self.scene, window, self.views)

    def normalise(self, patch: Patch) -> InputWindow:
        """Return the normalised inputs of a window."""
        inputs, offset_m = self.normalisation.normalise_patch(patch.images, patch.valids, patch.optional)
        return InputWindow(inputs, patch.valid, offset_m)


@contextmanager
def open_inputs(
    model: LoadedModel, scene: Scene, views: Sequence[int] = (), to_prepare: Container[str] = ()
) -> Iterator[ModelInputs]:
    """Yield the inputs of a model in a scene.

    Args:
        model: defines layers and bands, and their properties in training.
        scene: prepared, or given rasters.
        views: numbers of the views to use.
        to_prepare: layers whose data type is not checked, because they are prepared before they are read.

    Raises:
        ModelError: the number of views differs, or a raster differs from those of the training in GSD or data type,
            or is on another grid.
        DataError: a layer or band is missing, altered or cannot be read.
    """
    inputs, optional = model.inputs, model.recipe.optional
    needed = len(inputs.get(VIEWS, views))
    if len(views) != needed and not (VIEWS in optional and not views):
        raise ModelError(f"the model needs {needed} views, {len(views)} were given; give {needed}")
    with closing(InputReader(inputs, optional)) as reader:
        for layer, parts in layers_read(inputs, scene, views, optional).items():
            for name, bands in parts:
                raster, indexes = reader.raster(scene.path(name)), scene.band_indexes(name, bands)
                if layer not in to_prepare:
                    _check_type(raster, indexes, model.card.dtypes[layer])
                _check_gsd(raster, model.card.gsd_m)
                if not Grid.of(raster).matches(scene.grid):
                    found = ", ".join(layer.file for layer in scene.layers.values())
                    raise ModelError(f"{raster.name}: {found} are on different pixel grids; warp them to one grid")
        yield ModelInputs(scene, views, reader, model.normalisation)


def _check_type(raster: DatasetReader, indexes: list[int], trained: str | None) -> None:
    if trained is None:  # an imported model that does not record it
        return
    require_one_type(raster, indexes)
    if (found := value_type(raster, indexes)) != trained:
        raise ModelError(
            f"{raster.name}: its pixels are {found}, but the model was trained on {trained}; "
            "scale the image as the training images were (gdal_translate -ot -scale)"
        )


def _check_gsd(raster: DatasetReader, trained_m: float) -> None:
    grid = Grid.of(raster)
    require_projected(grid.crs, grid.bounds, raster.name)
    found_m, metres = grid.pixel_m, metres_per_unit(grid.crs)
    if any(abs(side / trained_m - 1) > GSD_TOLERANCE for side in found_m):
        raise ModelError(
            f"{raster.name}: its pixels are {found_m[0]:.3g} x {found_m[1]:.3g} m, but the model was trained at "
            f"{trained_m:g} m; resample it first: gdalwarp -r average -tr {trained_m / metres:g} {trained_m / metres:g}"
        )
