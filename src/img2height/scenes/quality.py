"""Measures what is suspicious about a prepared scene: units, missing stored as 0, registration, overlap."""

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
import pandas
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.io.pixels import read_pixels
from img2height.io.rasters import open_raster, read_heights
from img2height.scenes.doubts import find_doubts
from img2height.scenes.registration import estimate_offset
from img2height.scenes.scene import Scene
from img2height.scenes.verdicts import TALL_ENOUGH_M, LayerQuality, Measured, checks_of
from img2height.vocabulary.layers import layer_of

SAMPLE_PX = 1_000_000


class Quality(Measured):
    """The measurements of a scene, the verdicts on them, and those that are not fine as sentences."""

    checks: list[dict[str, str]]
    warnings: list[str]


def quality_reports(scenes: Sequence[Scene]) -> list[Quality]:
    """Return the reports of scenes, which should be all of a dataset: an image that occurs twice is noticed."""
    names = [f"{scene.dataset}/{scene.name}" for scene in scenes]
    images = [scene.layers[scene.picture].sha256 for scene in scenes]
    same = pandas.Series(names).groupby(images).agg(list)
    return [
        quality_report(scene, [twin for twin in same[image] if twin != name])
        for scene, name, image in zip(scenes, names, images, strict=True)
    ]


def quality_report(scene: Scene, twins: Sequence[str] = ()) -> Quality:
    """Return measurements of a scene, and verdicts on them.

    `layers`: valid and zero share, min, median, median without zeros, p99 and max of each raster layer (medians and p99
    on an even sample of about a million pixels); `overlap_share`: pixels with both image and heights above ground;
    `ndsm_ratio`: median of ndsm / (dsm - dtm); `building_height_m`: median height above ground inside the building
    mask; `registration`: the offset of the image from the heights, in metres, with a confidence; `doubts`: see
    `find_doubts`. What cannot be measured is null. `checks`: see `Check`.

    Args:
        scene: prepared.
        twins: names of other scenes with the same image.
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
    checks = checks_of(report, twins)
    return {
        **report,
        "checks": [check._asdict() for check in checks],
        "warnings": [check.sentence for check in checks if check.verdict != "fine"],
    }


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
    others = middle[middle != 0]
    return {
        "unit": scene.layers[name].unit,
        "valid_share": valid / (scene.grid.width * scene.grid.height),
        "zero_share": zeros / valid if valid else None,
        "min": low if valid else None,
        "median": median,
        "nonzero_median": float(np.median(others)) if others.size else None,
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
