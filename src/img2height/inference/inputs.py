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
from img2height.inference.model import LoadedModel
from img2height.rasters import Grid, open_raster
from img2height.samples.normalise import Normalisation
from img2height.scenes.scene import Scene
from img2height.scenes.sources import VIEW_BAND
from img2height.settings_scene import view_name

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
        height, width = min(size_px, self.grid.height - row), min(size_px, self.grid.width - column)
        window = Window(column, row, width, height)
        beyond = ((0, size_px - height), (0, size_px - width))
        images, valids = {}, {}
        for layer, parts in self.rasters.items():
            image = np.concatenate([raster.read(indexes, window=window) for raster, indexes in parts])  # C x H x W
            masks = [raster.dataset_mask(window=window) > 0 for raster, _ in parts]
            valid = np.logical_and.reduce([*masks, np.isfinite(image).all(axis=0)])  # H x W
            images[layer] = np.pad(image, ((0, 0), *beyond), "reflect")
            valids[layer] = np.pad(valid, beyond, "reflect")
        inputs, offset_m = self.normalisation.normalise_patch(images, valids)
        return InputWindow(inputs, np.logical_and.reduce(list(valids.values())), offset_m)


def input_paths(scene: Scene, layers: Iterable[str], views: Sequence[int]) -> dict[str, Path | list[Path]]:
    """Return the rasters of a scene that a model needs, by layer.

    Args:
        scene: a prepared scene.
        layers: the model's input layers.
        views: numbers of the views to look at.
    """
    paths = {layer: scene.path(layer) for layer in layers if layer != "views"}
    return paths | ({"views": [scene.path(view_name(number)) for number in views]} if "views" in layers else {})


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
        if len(set(grids.values())) > 1:
            raise ModelError(f"{', '.join(grids)} lie on different pixel grids; warp them to one grid")
        yield InputRasters(next(iter(grids.values())), found, model.normalisation)


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
