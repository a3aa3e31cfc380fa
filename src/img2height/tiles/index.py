"""The tile index: a regular grid of windows over a scene with statistics of each. No pixel is copied."""

import contextlib

import geopandas
import numpy as np
import pandas
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.io.pixels import read_pixels
from img2height.io.rasters import open_raster, read_heights
from img2height.scenes.scene import Scene
from img2height.settings.protocol import Tiling
from img2height.tiles.areas import tile_boxes

QUANTILES = {"height_p50_m": 0.5, "height_p90_m": 0.9, "height_p99_m": 0.99}
TYPES = {
    "tile_id": "str", "dataset": "str", "scene": "str", "col_off": "int64", "row_off": "int64", "size_px": "int64",
    "valid_share": "float64", "building_share": "float64", **dict.fromkeys(QUANTILES, "float64"),
}  # fmt: skip


def tile_offsets(length: int, size: int, stride: int) -> list[int]:
    """Return where tiles start along one axis in pixels; the last one is shifted back to end at the border."""
    if length < size:
        return []
    offsets = list(range(0, length - size + 1, stride))
    return offsets if offsets[-1] == length - size else [*offsets, length - size]


def index_tiles(scene: Scene, settings: Tiling) -> geopandas.GeoDataFrame:
    """Return the tiles of a scene, one per row, in the scene's CRS; tiles with too few valid pixels are left out.

    `valid_share` counts pixels with both image and reference (only the image if the scene has no `ndsm`),
    `building_share` the building pixels among the valid pixels of the mask (NaN without one), `height_p..._m` are
    quantiles of the valid heights above ground in metres (NaN without reference).

    Args:
        scene: a prepared scene.
        settings: tile size, stride and smallest valid share.
    """
    size, grid = settings.tile_px, scene.grid
    cols = tile_offsets(grid.width, size, settings.stride_px)
    records = []
    with contextlib.ExitStack() as stack:
        layers = {name: stack.enter_context(open_raster(scene.path(name))) for name in _needed(scene)}
        for row in tile_offsets(grid.height, size, settings.stride_px):
            strip = _read_strip(layers, scene.picture, Window(0, row, grid.width, size))
            for col in cols:
                facts = _describe(*(layer[:, col : col + size] for layer in strip))
                if facts["valid_share"] >= settings.min_valid_share:
                    records.append({"col_off": col, "row_off": row, "size_px": size, **facts})
    return _as_table(pandas.DataFrame.from_records(records), scene)


def _needed(scene: Scene) -> list[str]:
    return [scene.picture, *(name for name in ("ndsm", "building") if name in scene.layers)]


def _read_strip(
    layers: dict[str, DatasetReader], picture: str, window: Window
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a row of tiles: validity (bool), heights in metres and building share (float32, NaN missing), each HxW."""
    valid = read_pixels(layers[picture], layers[picture].indexes, window).valid
    heights = read_heights(layers["ndsm"], window) if "ndsm" in layers else np.full(valid.shape, np.nan, np.float32)
    buildings = read_heights(layers["building"], window) if "building" in layers else np.full_like(heights, np.nan)
    if "ndsm" in layers:
        valid &= np.isfinite(heights)
    return valid, heights, buildings


def _describe(valid: np.ndarray, heights: np.ndarray, buildings: np.ndarray) -> dict[str, float]:
    found = heights[valid & np.isfinite(heights)]
    quantiles = np.quantile(found, list(QUANTILES.values())) if found.size else [np.nan] * len(QUANTILES)
    mapped = buildings[np.isfinite(buildings)]
    building = float(mapped.mean(dtype=np.float64)) if mapped.size else np.nan
    return {
        "valid_share": float(valid.mean()),
        "building_share": building,
        **dict(zip(QUANTILES, map(float, quantiles), strict=True)),
    }


def _as_table(frame: pandas.DataFrame, scene: Scene) -> geopandas.GeoDataFrame:
    frame = frame.reindex(columns=list(TYPES))
    frame["dataset"], frame["scene"] = scene.dataset, scene.name
    frame["tile_id"] = [
        f"{scene.dataset}/{scene.name}/{row:06d}_{col:06d}"
        for row, col in zip(frame["row_off"], frame["col_off"], strict=True)
    ]
    outlines = [scene.grid.to_map(outline) for outline in tile_boxes(frame)]
    return geopandas.GeoDataFrame(frame.astype(TYPES), geometry=outlines, crs=scene.grid.crs)
