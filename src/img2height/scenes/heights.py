"""How a predicted or reference height raster is read: where it is known, on which grid, and above ground."""

from collections.abc import Mapping

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from img2height.errors import DataError
from img2height.rasters import NODATA, Grid, read_heights

ABOVE, BUILDINGS, SURFACE, TERRAIN, RELATIVE = "ndsm", "building_height", "dsm", "dem", "relative"
ABOVE_GROUND = (ABOVE, BUILDINGS)
PROBABILITY, SPREAD = "building_probability", "height_spread"


def known(heights: np.ndarray) -> np.ndarray:
    """Return a bool array, true where a height is known: finite and not nodata (-9999); 0 m is known."""
    return np.isfinite(heights) & (heights != NODATA)


def require_same_grid(heights: DatasetReader, other: DatasetReader | Grid, name: str) -> None:
    """Raise a DataError that names both grids unless a height raster lies on the grid of another raster.

    Args:
        heights: open raster.
        other: open raster or grid that it must share.
        name: what the other is, for the message.
    """
    one, two = Grid.of(heights), other if isinstance(other, Grid) else Grid.of(other)
    if (one.shape, one.crs) != (two.shape, two.crs) or not one.transform.almost_equals(two.transform, 1e-6):
        raise DataError(
            f"{heights.name} and {name} lie on different grids ({one.shape}, {one.crs}, {one.transform.to_gdal()} and "
            f"{two.shape}, {two.crs}, {two.transform.to_gdal()}); predict on the scene's grid"
        )


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
    reference = "dtm" if quantity == TERRAIN or (quantity == RELATIVE and "ndsm" not in layers) else "ndsm"
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
    return np.select([building == 1, building == 0], [heights_m, np.float32(0)], np.float32(np.nan))


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
