"""The rasters that a model looks at: checked once against what it was trained on, then read window by window."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.errors import ModelError
from img2height.io.grid import Grid
from img2height.io.rasters import open_raster, reading
from img2height.io.validity import known_pixels
from img2height.models.folder import LoadedModel
from img2height.samples.normalise import Normalisation
from img2height.scenes.scene import Scene
from img2height.scenes.sources import VIEW_BAND
from img2height.vocabulary.layers import view_name

GSD_TOLERANCE = 0.25


@dataclass(frozen=True)
class InputWindow:
    """What a model sees of one window.

    Attributes:
        inputs: normalised, by layer, C x H x W float32.
        known: where all of them are known, H x W bool.
        offset_m: metres that the normalised height 0 stands for here.
    """

    inputs: dict[str, np.ndarray]
    known: np.ndarray
    offset_m: float


@dataclass(frozen=True)
class InputRasters:
    """Open input rasters on one grid.

    Attributes:
        grid: the grid of all of them.
        rasters: by layer: open rasters (more than one for views) and the indexes of the bands to read of each.
        normalisation: of the model.
    """

    grid: Grid
    rasters: dict[str, list[tuple[DatasetReader, list[int]]]]
    normalisation: Normalisation

    def read(self, row: int, column: int, size_px: int) -> InputWindow:
        """Return the normalised inputs of one window; what lies beyond the raster is filled by reflection."""
        return self.read_rows(row, column, size_px, size_px).window(column)

    def read_rows(self, row: int, left: int, width: int, size_px: int) -> "InputRows":
        """Return the pixels of a row of windows, read once for all of them.

        Args:
            row: first row of the windows.
            left: first column of the first.
            width: columns from there to the end of the last; may lie beyond the raster.
            size_px: side of a window.
        """
        height, width = min(size_px, self.grid.height - row), min(width, self.grid.width - left)
        window = Window(left, row, width, height)
        images, valids = {}, {}
        for layer, parts in self.rasters.items():
            read = [_read(raster, indexes, window) for raster, indexes in parts]
            images[layer] = read[0][0] if len(read) == 1 else np.concatenate([image for image, _ in read])  # C x H x W
            valids[layer] = np.logical_and.reduce([valid for _, valid in read])  # H x W
        return InputRows(left, size_px, images, valids, self.normalisation)


@dataclass(frozen=True)
class InputRows:
    """The pixels of a row of windows.

    Attributes:
        left: first column.
        size_px: side of a window; there are fewer rows where the raster ends.
        images: by layer, C x H x W as stored.
        valids: by layer, H x W bool.
        normalisation: of the model.
    """

    left: int
    size_px: int
    images: dict[str, np.ndarray]
    valids: dict[str, np.ndarray]
    normalisation: Normalisation

    def window(self, column: int) -> InputWindow:
        """Return the normalised inputs of the window that begins in a column of the raster."""
        columns = slice(column - self.left, column - self.left + self.size_px)
        images = {layer: self._square(image[..., columns]) for layer, image in self.images.items()}
        valids = {layer: self._square(valid[..., columns]) for layer, valid in self.valids.items()}
        inputs, offset_m = self.normalisation.normalise_patch(images, valids)
        return InputWindow(inputs, np.logical_and.reduce(list(valids.values())), offset_m)

    def _square(self, array: np.ndarray) -> np.ndarray:
        """Return a window filled by reflection to its whole size."""
        beyond = [(0, self.size_px - side) for side in array.shape[-2:]]
        return np.pad(array, [(0, 0)] * (array.ndim - 2) + beyond, "reflect")


def _read(raster: DatasetReader, indexes: list[int], window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels, C x H x W, and which of them are known in all bands, H x W bool."""
    with reading(raster.name):
        image, valid = raster.read(indexes, window=window), known_pixels(raster, indexes, window)
    return image, valid if image.dtype.kind in "iu" else valid & np.isfinite(image).all(axis=0)


def input_paths(scene: Scene, layers: Iterable[str], views: Sequence[int]) -> dict[str, Path | list[Path]]:
    """Return the rasters of a scene that a model needs, by layer.

    Args:
        scene: a prepared scene.
        layers: the model's input layers.
        views: numbers of the views to look at.

    Raises:
        DataError: the scene has no such layer, or one is not the file that the scene was written with.
    """
    names = [layer for layer in layers if layer != "views"]
    seen = [view_name(number) for number in views] if "views" in layers else []
    scene.check([*names, *seen])
    paths = {layer: scene.path(layer) for layer in names}
    return paths | ({"views": [scene.path(view) for view in seen]} if "views" in layers else {})


@contextmanager
def open_inputs(model: LoadedModel, paths: Mapping[str, Path | Sequence[Path]]) -> Iterator[InputRasters]:
    """Yield the rasters that a model needs.

    Args:
        model: says which layers and bands, and what they were like in training.
        paths: a raster for each layer, as many as the model looks at for `views`; what it does not need is left alone.

    Raises:
        ModelError: a layer or band is missing, or a raster differs in GSD, data type or grid.
        DataError: a raster cannot be read.
    """
    if missing := [layer for layer in model.recipe.inputs if layer not in paths]:
        needed = ", ".join(model.recipe.inputs)
        raise ModelError(f"the model needs the layers {needed}; give a raster for {', '.join(missing)} too")
    with ExitStack() as stack:
        rasters = {
            layer: [
                (stack.enter_context(open_raster(path)), names) for path, names in _parts(layer, bands, paths[layer])
            ]
            for layer, bands in model.recipe.inputs.items()
        }
        found = {
            layer: [(raster, find_bands(raster, names)) for raster, names in parts] for layer, parts in rasters.items()
        }
        for layer, parts in found.items():
            for raster, indexes in parts:
                _check_type(raster, indexes, model.card["dtypes"][layer])
                _check_gsd(raster, model.card["gsd_m"])
        grids = {raster.name: Grid.of(raster) for parts in found.values() for raster, _ in parts}
        first = next(iter(grids.values()))
        if not all(first.matches(other) for other in grids.values()):
            raise ModelError(f"{', '.join(grids)} lie on different pixel grids; warp them to one grid")
        yield InputRasters(first, found, model.normalisation)


def _parts(layer: str, bands: list[str], paths: Path | Sequence[Path]) -> list[tuple[Path, list[str]]]:
    """Return the rasters of a layer with the names of the bands to read of each: views are one raster each."""
    if layer != "views":
        return [(paths, bands)]
    if len(paths) != len(bands):
        raise ModelError(f"the model looks at {len(bands)} views, {len(paths)} were given; give {len(bands)}")
    return [(path, [VIEW_BAND]) for path in paths]


def find_bands(raster: DatasetReader, bands: list[str]) -> list[int]:
    """Return the 1-based indexes of named bands: by their descriptions, else in the order of the file.

    Args:
        raster: an alpha band is validity, not image.
        bands: names that the model knows them by, in its order.

    Raises:
        ModelError: some bands are described and others of them missing, or the count differs.
    """
    described = [(text or "").casefold() for text in raster.descriptions]
    if missing := [band for band in bands if band not in described]:
        colours = [i for i, use in zip(raster.indexes, raster.colorinterp, strict=True) if use != ColorInterp.alpha]
        if len(missing) < len(bands) or len(colours) != len(bands):
            found = ", ".join(text or "no description" for text in described)
            raise ModelError(
                f"{raster.name}: the model needs the bands {', '.join(bands)}, found {len(colours)} ({found}); "
                f"describe the bands by these names, or give a raster of just these {len(bands)} in this order"
            )
        return colours
    return [described.index(band) + 1 for band in bands]


def _check_type(raster: DatasetReader, indexes: list[int], trained: str | None) -> None:
    if trained is None:  # a model that was made elsewhere and does not say
        return
    found = {raster.dtypes[index - 1] for index in indexes}
    if found != {trained}:
        raise ModelError(
            f"{raster.name}: its pixels are {', '.join(sorted(found))}, the model was trained on {trained}; "
            "scale the image as the training images were (gdal_translate -ot -scale)"
        )


def _check_gsd(raster: DatasetReader, trained_m: float) -> None:
    if raster.crs is None or not raster.crs.is_projected:
        raise ModelError(
            f"{raster.name}: needs a projected CRS, found {raster.crs}; warp it first: gdalwarp -t_srs EPSG:<UTM zone> "
            f"-tr {trained_m:g} {trained_m:g}"
        )
    metres = raster.crs.linear_units_factor[1]
    found_m = [side * metres for side in raster.res]
    if any(abs(side / trained_m - 1) > GSD_TOLERANCE for side in found_m):
        raise ModelError(
            f"{raster.name}: its pixels are {found_m[0]:.3g} x {found_m[1]:.3g} m, the model was trained at "
            f"{trained_m:g} m; resample it first: gdalwarp -r average -tr {trained_m / metres:g} {trained_m / metres:g}"
        )
