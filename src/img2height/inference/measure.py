"""Measures the engines of this machine with a model, on the validation windows of its fold."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack

import geopandas
import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.cpu import set_up_cpu
from img2height.errors import ModelError
from img2height.heights import inside_buildings
from img2height.inference.admission import Pixels, judged, rmse_of
from img2height.inference.engines import EXACT, OPENVINO_INT8
from img2height.inference.engines.choose import engines_here, package_versions
from img2height.inference.network import Network
from img2height.inference.sampled import sampled_windows
from img2height.io.areas import area_mask
from img2height.io.atomic import file_digest
from img2height.io.rasters import open_raster, read_heights
from img2height.models.engines import INT8, MeasuredEngines
from img2height.models.folder import LoadedModel
from img2height.provenance.versions import installed
from img2height.scenes.scene import Scene
from img2height.scoring.errors import references
from img2height.settings.protocol import Inference
from img2height.tiles.areas import area_of
from img2height.vocabulary.quantities import BUILDINGS, SURFACE, quantity_of

MOST_WINDOWS = 64  # of a scene
LEAST_WINDOWS = 8  # with fewer, an interval means little


def measure_engines(
    model: LoadedModel, scenes: Sequence[Scene], areas: geopandas.GeoDataFrame, fold: int, settings: Inference
) -> MeasuredEngines:
    """Return what the engines of this machine do to the scores of a model in the validation area of its fold.

    Args:
        model: the model; `openvino_int8` needs int8.safetensors in its folder, see `quantise`.
        scenes: of the experiment.
        areas: the areas of the parts, see `split_folds`.
        fold: its number.
        settings: side of the windows.

    Raises:
        ModelError: too few windows have a reference in metres.
    """
    set_up_cpu(model.card.training.threads)
    names = [EXACT, *engines_here(model)]
    networks = {name: Network(model, "cpu", settings.model_copy(update={"engine": name})) for name in names}
    used, found = [], []
    for scene in scenes:
        area = area_of(areas, "val", scene.dataset, scene.name, fold)
        windows = list(_windows(model, scene, area, settings.window_px, networks))
        found += windows
        used += [f"{scene.dataset}/{scene.name}"] if windows else []
    if len(found) < LEAST_WINDOWS:
        raise ModelError(
            f"engines cannot be compared: only {len(found)} windows of {settings.window_px} px in the validation area "
            f"have a reference in metres, {LEAST_WINDOWS} are needed; use inference.engine: exact"
        )
    errors_m = [pixels.exact.astype(np.float64) - pixels.truth for pixels in found]
    return MeasuredEngines(
        weights_sha256=model.card.weights_sha256,
        scenes=used,
        windows=len(found),
        window_px=settings.window_px,
        rmse_m=rmse_of(errors_m),
        mae_m=float(np.abs(np.concatenate(errors_m)).mean()),
        engines={name: judged(found, name) for name in names if name != EXACT},
        versions=installed(["torch"]) | package_versions(names),
        int8_sha256=file_digest(model.folder / INT8) if model.folder and OPENVINO_INT8 in names else None,
    )


def _windows(
    model: LoadedModel, scene: Scene, area: BaseGeometry, side_px: int, networks: Mapping[str, Network]
) -> Iterator[Pixels]:
    """Yield the heights of each window that has pixels with a reference in the area."""
    target = model.recipe.target
    names = references(target, scene) if model.normalisation.mode != "relative" else None
    if names is None:
        return
    with ExitStack() as stack:
        layers = {name: stack.enter_context(open_raster(scene.path(name))) for name in names}
        for window, given in sampled_windows(model, scene, area, "val", side_px, MOST_WINDOWS):
            truth, above_m = _reference(target, layers, window)
            inside = area_mask(area, window) & given.valid[: window.height, : window.width] & np.isfinite(truth)
            if inside.any():
                cut = np.s_[: window.height, : window.width]
                heights = {name: network.predict([given])[0, 0][cut][inside] for name, network in networks.items()}
                heights = {name: values.astype(np.float32) for name, values in heights.items()}
                yield Pixels(heights.pop(EXACT), heights, truth[inside], above_m[inside])


def _reference(target: str, layers: Mapping[str, DatasetReader], window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Return the reference of a quantity, and its height above ground (NaN if it has none), H x W float32 metres."""
    quantity = quantity_of(target)
    truth = read_heights(layers[quantity.reference(layers)], window)
    if target == BUILDINGS:
        truth = inside_buildings(truth, layers["building"].read(1, window=window))
    if target == SURFACE:
        return truth + read_heights(layers["dtm"], window), truth
    return truth, truth if quantity.above_ground else np.full_like(truth, np.nan)
