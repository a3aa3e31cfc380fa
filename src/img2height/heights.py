"""How a predicted or reference height raster is read: where it is known, on which grid, and above ground."""

from collections.abc import Mapping

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.errors import DataError
from img2height.io.rasters import read_heights
from img2height.vocabulary.layers import ABSENT, NODATA, PRESENT
from img2height.vocabulary.quantities import BUILDINGS, RELATIVE, SURFACE, TERRAIN, quantity_of


def known(heights: np.ndarray) -> np.ndarray:
    """Return a bool array, true where a height is known: finite and not nodata (-9999); 0 m is known."""
    return np.isfinite(heights) & (heights != NODATA)


def read_above_ground(
    heights: DatasetReader, terrain: DatasetReader | None, window: Window | None = None
) -> np.ndarray:
    """Return heights above ground, HxW float32 metres, NaN where unknown.

    A surface model (band description `dsm`) loses its terrain first; the residuals stay what they are. A terrain model
    (`dem`) is the ground itself, so it is 0 m above ground wherever it is known.

    Args:
        heights: raster with the quantity in its band description.
        terrain: the terrain model on the same grid; only needed for a surface model.
        window: part of the grid, None is all of it.

    Raises:
        DataError: a surface model comes without terrain, or the heights are relative.
    """
    quantity = heights.descriptions[0]
    if quantity == RELATIVE:
        raise DataError(
            f"{heights.name}: holds relative heights, which have no metres; align them to a reference first"
        )
    above = read_heights(heights, window)
    if quantity == TERRAIN:
        return above - above
    if quantity != SURFACE:
        return above
    if terrain is None:
        raise DataError(f"{heights.name}: holds surface heights (dsm); heights above ground need a scene with a dtm")
    return above - read_heights(terrain, window)


def read_compared(
    heights: DatasetReader, layers: Mapping[str, DatasetReader], window: Window | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return predicted and reference heights, HxW float32 metres each, NaN where unknown; the error is between them.

    A terrain model (band description `dem`) is compared with the layer dtm, building heights with ndsm inside the
    building mask and 0 m outside, everything else above ground with ndsm. Relative heights are brought to the reference
    (ndsm, else dtm) of the window by the scale and offset that fit best.

    Args:
        heights: raster with the quantity in its band description.
        layers: the scene's layers on the same grid: ndsm or dtm, dtm where a surface model is compared, building where
            building heights are.
        window: part of the grid, None is all of it.

    Raises:
        DataError: the layer to compare with is missing.
    """
    quantity = heights.descriptions[0]
    reference = quantity_of(quantity).reference(layers)
    if reference not in layers:
        raise DataError(
            f"{heights.name}: holds {quantity}, and its scene has no {reference} as a reference to score it against; "
            "give the scene this layer, or leave it out of the test"
        )
    truth = read_heights(layers[reference], window)
    if quantity == TERRAIN:
        return read_heights(heights, window), truth
    if quantity == BUILDINGS:
        if "building" not in layers:
            raise DataError(
                f"{heights.name}: holds building heights, and its scene has no building mask to score them against; "
                "give the scene this layer, or leave it out of the test"
            )
        truth = inside_buildings(truth, layers["building"].read(1, window=window))
    if quantity == RELATIVE:
        return align(read_heights(heights, window), truth), truth
    return read_above_ground(heights, layers.get("dtm"), window), truth


def inside_buildings(heights_m: np.ndarray, building: np.ndarray) -> np.ndarray:
    """Return building heights, HxW float32 metres: the height inside the mask, 0 outside, NaN where it is unknown.

    Args:
        heights_m: HxW float32, above ground, NaN where unknown.
        building: HxW uint8, 1 building, 0 none, 255 unknown.
    """
    return np.select([building == PRESENT, building == ABSENT], [heights_m, np.float32(0)], np.float32(np.nan))


def align(relative: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return relative heights as metres, by the scale and offset with the least squared error where both are known.

    Args:
        relative: HxW, NaN where unknown.
        reference: HxW metres, NaN where unknown.
    """
    both = np.isfinite(relative) & np.isfinite(reference)
    if not both.any():
        return relative
    x, y = relative[both].astype(np.float64), reference[both].astype(np.float64)
    spread = x - x.mean()
    scale = (spread * y).sum() / variance if (variance := np.square(spread).sum()) > 0 else 0.0
    return (y.mean() + scale * (relative - x.mean())).astype(np.float32)


def under_mask(pixels: np.ndarray, valid: np.ndarray | None) -> np.ndarray:
    """Return the pixels (bool) that also lie under the mask (bool, same shape); None is everywhere."""
    if valid is None:
        return pixels
    same_shape("the mask", valid, pixels)
    return pixels & np.asarray(valid, dtype=bool)


def scored_pixels(
    prediction: np.ndarray, reference: np.ndarray, valid: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return prediction and reference where both are known, N float64 metres each, and how many references count.

    Args:
        prediction: heights in metres, NaN or -9999 where missing.
        reference: heights in metres, NaN or -9999 where unknown, same shape.
        valid: bool, same shape; false pixels are left out.

    Raises:
        DataError: the shapes differ.
    """
    prediction, reference = np.asarray(prediction), np.asarray(reference)
    same_shape("the prediction", prediction, reference)
    counts = under_mask(known(reference), valid)
    scored = counts & known(prediction)
    return prediction[scored].astype(np.float64), reference[scored].astype(np.float64), int(counts.sum())


def same_shape(what: str, array: np.ndarray, reference: np.ndarray) -> None:
    """Raise a DataError unless an array has the shape of the reference."""
    if np.shape(array) != np.shape(reference):
        raise DataError(
            f"{what} has the shape {np.shape(array)}, the reference {np.shape(reference)}; bring both to one grid"
        )
