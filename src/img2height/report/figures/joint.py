"""Joint histogram of reference and predicted heights over whole scenes, block by block."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np
from shapely.geometry.base import BaseGeometry

from img2height.heights import read_compared
from img2height.io.areas import area_mask, area_window
from img2height.io.grid import blocks
from img2height.io.rasters import open_raster
from img2height.report.figures.crop import read_quantity
from img2height.scenes.scene import Scene
from img2height.vocabulary.quantities import REFERENCES, TERRAIN

BLOCK_PX = 1024
BIN_M = 0.5
RANGE_M = (-10.0, 250.0)
BINS = int((RANGE_M[1] - RANGE_M[0]) / BIN_M)


def joint_histogram(scene: Scene, area: BaseGeometry, height: Path) -> np.ndarray:
    """Return the pixels of a test area by reference (rows) and predicted (columns) height, BINSxBINS int64.

    Heights beyond `RANGE_M` are counted in the outer bins. All are 0 for a terrain model, because elevations exceed it.

    Args:
        scene: with the layer ndsm, and dtm if surface heights were predicted.
        area: test area in pixel coordinates of the scene.
        height: predicted heights in metres on the scene's grid.
    """
    joint: np.ndarray = np.zeros((BINS, BINS), np.int64)
    if read_quantity(height) == TERRAIN:
        return joint
    with ExitStack() as stack:
        layers = {name: scene.path(name) for name in REFERENCES if name in scene.layers}
        layers["predicted"] = height
        rasters = {name: stack.enter_context(open_raster(path)) for name, path in layers.items()}
        for window in blocks(area_window(area), BLOCK_PX):
            predicted, reference = read_compared(rasters["predicted"], rasters, window)
            valid = area_mask(area, window) & np.isfinite(reference) & np.isfinite(predicted)
            joint += _joint(predicted[valid], reference[valid])
    return joint


def _joint(predicted: np.ndarray, reference: np.ndarray) -> np.ndarray:
    rows, columns = (np.clip((v - RANGE_M[0]) / BIN_M, 0, BINS - 1).astype(np.int64) for v in (reference, predicted))
    return np.bincount(rows * BINS + columns, minlength=BINS * BINS).reshape(BINS, BINS)
