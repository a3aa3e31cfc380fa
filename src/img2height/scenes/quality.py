"""Measures what is suspicious about a prepared scene: units, missing stored as 0, registration, overlap."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, TypedDict

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.io.pixels import read_pixels
from img2height.io.rasters import open_raster, read_heights
from img2height.scenes.doubts import Doubts, doubt_warnings, find_doubts
from img2height.scenes.registration import estimate_offset
from img2height.scenes.scene import Scene
from img2height.vocabulary.layers import layer_of

SAMPLE_PX = 1_000_000
TALLEST_M = 200.0
LITTLE = 0.5
BLACK_SHARE = 0.02
TALL_ENOUGH_M = 2.0
FEET = 1 / 0.3048


class LayerQuality(TypedDict):
    """What was measured on a raster layer: shares from 0 to 1, the rest in its unit."""

    unit: str
    valid_share: float
    zero_share: float | None
    min: float | None
    median: float | None
    p99: float | None
    max: float | None


class Measured(TypedDict):
    """What was measured on a scene, see `quality_report`."""

    scene: str
    gsd_m: float
    layers: dict[str, LayerQuality]
    overlap_share: float | None
    ndsm_ratio: float | None
    building_height_m: float | None
    registration: dict[str, Any] | None
    doubts: Doubts


class Quality(Measured):
    """The measurements of a scene and what they give reason to check."""

    warnings: list[str]


def quality_report(scene: Scene) -> Quality:
    """Return measurements of a scene, and warnings as sentences.

    `layers`: valid and zero share, min, median, p99 and max of each raster layer (median and p99 on an even sample of
    about a million pixels); `overlap_share`: pixels with both image and heights above ground; `ndsm_ratio`: median of
    ndsm / (dsm - dtm); `building_height_m`: median height above ground inside the building mask; `registration`: the
    offset of the image from the heights, in metres, with a confidence; `doubts`: see `find_doubts`. What cannot be
    measured is null.
    """
    with ExitStack() as stack:
        rasters = {name: stack.enter_context(open_raster(scene.path(name))) for name in _raster_layers(scene)}
        sample = _sample(scene, rasters)
        images = {name: raster for name, raster in rasters.items() if layer_of(name).kind == "image"}
        doubts = find_doubts(sample, images, scene.grid, _sampled_step(scene))
        layers = {name: _describe(scene, rasters[name], name, sample[name]) for name in rasters}
        offset = None
        if {"eo", "ndsm"} <= rasters.keys():
            offset = estimate_offset(rasters["eo"], rasters["ndsm"], scene.grid.gsd_m)
    report: Measured = {
        "scene": f"{scene.dataset}/{scene.name}",
        "gsd_m": scene.grid.gsd_m,
        "layers": layers,
        "overlap_share": _overlap(sample, scene.picture),
        "ndsm_ratio": _ndsm_ratio(sample),
        "building_height_m": _building_height(sample),
        "registration": {**vars(offset), "confident": offset.confident} if offset else None,
        "doubts": doubts,
    }
    return {**report, "warnings": list(_warnings(report))}


def _raster_layers(scene: Scene) -> list[str]:
    return [name for name, layer in scene.layers.items() if layer.bands]


def _read(dataset: DatasetReader, name: str, window: Window) -> np.ndarray:
    """Return the values of a layer, images as the mean of their bands, HxW float32 with NaN where missing."""
    if layer_of(name).kind in ("height", "mask"):
        return read_heights(dataset, window)
    values, valid = read_pixels(dataset, dataset.indexes, window)
    return np.where(valid, values.mean(axis=0, dtype=np.float32), np.float32(np.nan))


def _sample(scene: Scene, rasters: dict[str, DatasetReader]) -> dict[str, np.ndarray]:
    """Return the same pixels of all layers, every n-th row and column of each block, float32 with NaN."""
    step = _sampled_step(scene)
    windows = list(scene.grid.blocks())
    return {
        name: np.concatenate([_read(dataset, name, window)[::step, ::step].ravel() for window in windows])
        for name, dataset in rasters.items()
    }


def _sampled_step(scene: Scene) -> int:
    """Return n, so that every n-th row and column are about a million pixels."""
    return max(1, round((scene.grid.width * scene.grid.height / SAMPLE_PX) ** 0.5))


def _describe(scene: Scene, dataset: DatasetReader, name: str, sample: np.ndarray) -> LayerQuality:
    valid, zeros, low, high = 0, 0, np.inf, -np.inf
    for window in scene.grid.blocks():
        values = _read(dataset, name, window)
        values = values[np.isfinite(values)]
        if values.size:
            valid, zeros = valid + values.size, zeros + int((values == 0).sum())
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    middle = sample[np.isfinite(sample)]
    median, p99 = np.quantile(middle, (0.5, 0.99)).tolist() if middle.size else (None, None)
    return {
        "unit": scene.layers[name].unit,
        "valid_share": valid / (scene.grid.width * scene.grid.height),
        "zero_share": zeros / valid if valid else None,
        "min": low if valid else None,
        "median": median,
        "p99": p99,
        "max": high if valid else None,
    }


def _overlap(sample: dict[str, np.ndarray], picture: str) -> float | None:
    if "ndsm" not in sample:
        return None
    return float((np.isfinite(sample[picture]) & np.isfinite(sample["ndsm"])).mean())


def _ndsm_ratio(sample: dict[str, np.ndarray]) -> float | None:
    if not sample.keys() >= {"dsm", "dtm", "ndsm"}:
        return None
    above = sample["dsm"] - sample["dtm"]
    tall = (above > TALL_ENOUGH_M) & np.isfinite(sample["ndsm"])
    return float(np.median(sample["ndsm"][tall] / above[tall])) if tall.any() else None


def _building_height(sample: dict[str, np.ndarray]) -> float | None:
    if not sample.keys() >= {"ndsm", "building"}:
        return None
    inside = sample["ndsm"][(sample["building"] == 1) & np.isfinite(sample["ndsm"])]
    return float(np.median(inside)) if inside.size else None


def _warnings(report: Measured) -> Iterator[str]:
    for name, layer in report["layers"].items():
        yield from _layer_warnings(name, layer)
    yield from doubt_warnings(report["doubts"])
    if report["overlap_share"] is not None and report["overlap_share"] < LITTLE:
        yield f"image and heights overlap on only {report['overlap_share']:.0%} of the scene"
    ratio = report["ndsm_ratio"]
    if ratio is not None and abs(ratio - 1) > 0.05:
        feet = "; one of them seems to be in feet" if min(abs(ratio / FEET - 1), abs(ratio * FEET - 1)) < 0.05 else ""
        yield f"ndsm is {ratio:.3g} times dsm - dtm{feet}; check the units"
    height = report["building_height_m"]
    if height is not None and height < TALL_ENOUGH_M:
        yield f"the median height inside the building mask is {height:.2g} m; are they shifted or years apart?"
    offset = report["registration"]
    if offset and offset["confident"] and np.hypot(offset["east_m"], offset["north_m"]) > report["gsd_m"]:
        yield (
            f"the image seems to lie {offset['east_m']:+.1f} m east, {offset['north_m']:+.1f} m north of the heights "
            f"(confidence {offset['confidence']:.2f}); if that is a shift, not building lean or shadow, declare for eo "
            f"shift_m: [{-offset['east_m']:.1f}, {-offset['north_m']:.1f}]"
        )


def _layer_warnings(name: str, layer: LayerQuality) -> Iterator[str]:
    if layer["valid_share"] < LITTLE:
        yield f"{name} is valid on only {layer['valid_share']:.0%} of the scene"
    if name == "eo" and (layer["zero_share"] or 0) > BLACK_SHARE:
        yield f"{layer['zero_share']:.0%} of the image is black and counts as image; if it is not, declare nodata: 0"
    if name == "ndsm" and layer["p99"] is not None and layer["p99"] > TALLEST_M:
        yield f"ndsm reaches {layer['p99']:.0f} m on 1 % of the scene; are feet or centimetres read as metres?"
    if name == "ndsm" and layer["max"] is not None and layer["max"] <= 1:
        yield f"ndsm is nowhere above {layer['max']:.2g} m; is it scaled to 0..1?"
    if name in ("dsm", "dtm") and layer["median"] and abs(layer["median"]) > 20 and (layer["zero_share"] or 0) > 1e-3:
        yield (
            f"{name} is exactly 0 m on {layer['zero_share']:.1%} of the scene, its median is {layer['median']:.0f} m; "
            "if that means missing, declare nodata: 0"
        )
