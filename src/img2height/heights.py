"""Reading of predicted and reference height rasters: validity, grid, and heights above ground."""

from collections.abc import Mapping

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.errors import DataError
from img2height.io.rasters import read_heights
from img2height.vocabulary.layers import ABSENT, NODATA, PRESENT
from img2height.vocabulary.quantities import BUILDINGS, RELATIVE, SURFACE, TERRAIN, quantity_of


def is_valid(heights: np.ndarray) -> np.ndarray:
    """Return a bool array, true where a height is valid: finite and not nodata (-9999); 0 m is valid."""
    return np.isfinite(heights) & (heights != NODATA)


def read_above_ground(
    heights: DatasetReader, terrain: DatasetReader | None, window: Window | None = None,
    shape: tuple[int, int] | None = None,
) -> np.ndarray:  # fmt: skip
    """Return heights above ground, HxW float32 metres, NaN where missing.

    From a surface model (band description `dsm`) the terrain is subtracted, and residuals are not clipped. A terrain
    model (`dem`) is the ground itself, so it is 0 m above ground wherever it is valid.

    Args:
        heights: raster with the quantity in its band description.
        terrain: the terrain model on the same grid; only needed for a surface model.
        window: part of the grid, by default all of it.
        shape: see `read_heights`.

    Raises:
        DataError: a surface model without terrain, or relative heights.
    """
    quantity = heights.descriptions[0]
    if quantity == RELATIVE:
        raise DataError(
            f"{heights.name}: contains relative heights, which are not in metres; align them to a reference first"
        )
    above = read_heights(heights, window, shape=shape)
    if quantity == TERRAIN:
        return above - above
    if quantity != SURFACE:
        return above
    if terrain is None:
        raise DataError(f"{heights.name}: contains surface heights (dsm); heights above ground need a scene with a dtm")
    return above - read_heights(terrain, window, shape=shape)


def read_compared(
    heights: DatasetReader, layers: Mapping[str, DatasetReader], window: Window | None = None,
    shape: tuple[int, int] | None = None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return predicted and reference heights to compare, HxW float32 metres each, NaN where missing.

    A terrain model (band description `dem`) is compared with the layer dtm, building heights with ndsm inside the
    building mask and 0 m outside, everything else above ground with ndsm. Relative heights are aligned to the reference
    (ndsm, else dtm) of the window by the best-fitting scale and offset.

    Args:
        heights: raster with the quantity in its band description.
        layers: the scene's layers on the same grid: ndsm or dtm, dtm if a surface model is compared, building if
            building heights are.
        window: part of the grid, by default all of it.
        shape: see `read_heights`.

    Raises:
        DataError: the layer to compare with is missing.
    """
    quantity = heights.descriptions[0]
    reference = quantity_of(quantity).reference(layers)
    if reference not in layers:
        raise DataError(
            f"{heights.name}: contains {quantity}, but its scene has no {reference} to score it against; "
            "give the scene this layer, or leave it out of the test"
        )
    truth = read_heights(layers[reference], window, shape=shape)
    if quantity == TERRAIN:
        return read_heights(heights, window, shape=shape), truth
    if quantity == BUILDINGS:
        if "building" not in layers:
            raise DataError(
                f"{heights.name}: contains building heights, but its scene has no building mask to score them against; "
                "give the scene this layer, or leave it out of the test"
            )
        truth = inside_buildings(truth, layers["building"].read(1, window=window, out_shape=shape))
    if quantity == RELATIVE:
        return align(read_heights(heights, window, shape=shape), truth), truth
    return read_above_ground(heights, layers.get("dtm"), window, shape), truth


def inside_buildings(heights_m: np.ndarray, building: np.ndarray) -> np.ndarray:
    """Return building heights, HxW float32 metres: the height inside the mask, 0 outside, NaN where missing.

    Args:
        heights_m: HxW float32, above ground, NaN where missing.
        building: HxW uint8, 1 building, 0 other, 255 missing.
    """
    return np.select([building == PRESENT, building == ABSENT], [heights_m, np.float32(0)], np.float32(np.nan))


def align(relative: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return relative heights in metres, by the scale and offset with the least squared error where both are valid.

    Args:
        relative: HxW, NaN where missing.
        reference: HxW metres, NaN where missing.
    """
    both = np.isfinite(relative) & np.isfinite(reference)
    if not both.any():
        return relative
    x, y = relative[both].astype(np.float64), reference[both].astype(np.float64)
    spread = x - x.mean()
    scale = (spread * y).sum() / variance if (variance := np.square(spread).sum()) > 0 else 0.0
    return (y.mean() + scale * (relative - x.mean())).astype(np.float32)


def under_mask(pixels: np.ndarray, valid: np.ndarray | None) -> np.ndarray:
    """Return the pixels (bool) that are also in the mask (bool, same shape); None is everywhere."""
    if valid is None:
        return pixels
    same_shape("the mask", valid, pixels)
    return pixels & np.asarray(valid, dtype=bool)


def scored_pixels(
    prediction: np.ndarray, reference: np.ndarray, valid: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return prediction and reference where both are valid, N float64 metres each, and the number of references.

    Args:
        prediction: heights in metres, NaN or -9999 where missing.
        reference: heights in metres, NaN or -9999 where missing, same shape.
        valid: bool, same shape; false pixels are left out.

    Raises:
        DataError: the shapes differ.
    """
    prediction, reference = np.asarray(prediction), np.asarray(reference)
    same_shape("the prediction", prediction, reference)
    counts = under_mask(is_valid(reference), valid)
    scored = counts & is_valid(prediction)
    return prediction[scored].astype(np.float64), reference[scored].astype(np.float64), int(counts.sum())


def same_shape(what: str, array: np.ndarray, reference: np.ndarray) -> None:
    """Raise a DataError unless an array has the shape of the reference."""
    if np.shape(array) != np.shape(reference):
        raise DataError(
            f"{what} has the shape {np.shape(array)}, the reference {np.shape(reference)}; bring both to one grid"
        )
