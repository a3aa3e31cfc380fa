"""A scene of given rasters, so that the command line and Python callers predict in the same way as the workflow."""

from collections.abc import Container, Mapping, Sequence
from pathlib import Path

from rasterio.io import DatasetReader

from img2height.errors import DataError, ModelError
from img2height.io.bands import named_bands
from img2height.io.grid import Grid
from img2height.io.mosaics import require_alike
from img2height.io.projections import require_projected, require_true_scale
from img2height.io.rasters import open_raster
from img2height.io.values import require_upward, stated_unit
from img2height.scenes.scene import Scene, SceneLayer
from img2height.scenes.sources import VIEW_BAND, one_band
from img2height.vocabulary.layers import INITIAL, VIEWS, layer_of, view_name
from img2height.vocabulary.units import METRES

IMAGES = ("image", "backscatter")  # kinds of layers with any number of bands

Given = Mapping[str, Path | Sequence[Path]]


def given_scene(
    inputs: Mapping[str, list[str]], given: Given, dsm_unit: str | None = None, optional: Container[str] = ()
) -> Scene:
    """Return the scene of given rasters, on the grid of the first one that a model uses; nothing is copied.

    Its layers have no digests: a resumed prediction identifies them by the times of their files, see `files_of`.

    Args:
        inputs: bands by input layer of the model.
        given: a raster by layer, and for `views` as many as the model uses. Layers that it does not use are ignored,
            except `eo`, which shows vegetation among the buildings.
        dsm_unit: unit of the heights of `dsm_initial`; None is what the raster states.
        optional: layers of `inputs` that need not be given, as long as one of all is.

    Raises:
        ModelError: a layer is missing, or is one raster where several are needed or the reverse.
        DataError: a raster cannot be read, lacks a band, states no unit of heights, or is a mosaic of unlike parts; or
            lengths on its map are not those on the ground.
    """
    needed = ", ".join(layer for layer in inputs if layer not in optional)
    if missing := [layer for layer in inputs if layer not in given and layer not in optional]:
        raise ModelError(f"the model needs the layers {needed}; give a raster for {', '.join(missing)} too")
    used = [layer for layer in inputs if layer in given]
    if not used:
        raise ModelError(f"the model needs at least one of the layers {', '.join(inputs)}; give a raster for one")
    order = [*used, *({"eo"} & set(given) - set(used))]
    rasters = [part for layer in order for part in _rasters(layer, inputs.get(layer, []), given[layer])]
    layers, grids = {}, []
    for name, path, bands in rasters:
        with open_raster(path) as raster:
            require_alike(raster, heights=name == INITIAL)
            unit = _height_unit(raster, dsm_unit) if name == INITIAL else raster.units[0] or ""
            layers[name] = SceneLayer(str(path), "", _band_names(name, raster, bands), unit)
            grids.append(Grid.of(raster))
    where = grids[0].crs, grids[0].bounds, str(rasters[0][1])
    require_projected(*where)
    require_true_scale(*where)
    return Scene(Path(), "given", rasters[0][1].name, grids[0], layers)


def _height_unit(raster: DatasetReader, declared: str | None) -> str:
    """Return the unit of given heights, which is never guessed."""
    require_upward(raster)
    if (unit := declared or stated_unit(raster)) is None:
        raise DataError(
            f"{raster.name}: does not state the unit of its heights, which many programs drop; add --dsm-unit metre "
            f"or another of {', '.join(METRES)}"
        )
    return unit


def _rasters(layer: str, bands: list[str], given: Path | Sequence[Path]) -> list[tuple[str, Path, list[str]]]:
    """Return name in a scene, path and bands of each raster of a layer: views are one raster each."""
    if (layer == VIEWS) == isinstance(given, Path):
        needed = "a list of paths, one for each view" if layer == VIEWS else "one path"
        raise ModelError(f"layer {layer}: needs {needed}, found {given!r}")
    if isinstance(given, Path):
        return [(layer, given, bands)]
    return [(view_name(number), path, [VIEW_BAND]) for number, path in enumerate(given, 1)]


def _band_names(name: str, raster: DatasetReader, bands: list[str]) -> list[str]:
    """Return a name for each band; the band of a single-band raster need not be named."""
    return named_bands(raster, bands) if layer_of(name).kind in IMAGES else one_band(name, raster, bands[0])
