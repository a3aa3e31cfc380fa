"""What is measured inside the outlines of buildings: heights, terrain, probability, roof type."""

import numpy as np
import pandas

from img2height.buildings.roofs import roof_types
from img2height.heights import is_valid

INSIDE_PX = 4  # fewer pixels are not a measurement: height_m is then missing
SPREAD = 1.4826  # median absolute deviation of a normal distribution to its standard deviation

MEASURED = {
    "height_m": "float64",
    "height_p50_m": "float64",
    "height_p95_m": "float64",
    "height_max_m": "float64",
    "height_pixels": "int64",
    "height_spread_m": "float64",
    "ground_m": "float64",
    "roof_m": "float64",
    "probability": "float64",
    "roof": "str",
}
MEAN = "mean_height_m"  # of all valid pixels, for the volume


def measure(
    labels: np.ndarray,
    count: int,
    height: np.ndarray,
    gsd_m: float,
    ground: np.ndarray | None = None,
    probability: np.ndarray | None = None,
) -> pandas.DataFrame:
    """Return a row for each label, 1 to `count`, with the columns of `MEASURED` and `MEAN`, NaN where they are missing.

    `height_m`, `height_spread_m`, `ground_m` and `roof_m` come from the same `height_pixels`: those that are valid and
    whose eight neighbours belong to the same building, because pixels at a wall show a mixture of roof and ground. If
    there are fewer than `INSIDE_PX`, the four are missing. Quantiles, maximum and mean are of all valid pixels.

    Args:
        labels: HxW int, 0 outside buildings; each building is complete.
        count: number of labels.
        height: HxW heights above ground in metres, NaN or -9999 where missing.
        gsd_m: ground sampling distance in metres.
        ground: HxW terrain elevation in metres, NaN or -9999 where missing; None if there is none.
        probability: HxW building probability, NaN or -9999 where missing; None if the method does not predict it.
    """
    height = nan_if_missing(height)
    pixels = pandas.DataFrame({"label": labels.ravel(), "height": height.ravel()})
    for name, layer in (("ground", ground), ("probability", probability)):
        pixels[name] = np.nan if layer is None else nan_if_missing(layer).ravel()
    inner = eroded(labels)
    pixels["inside"] = inner.ravel() > 0
    pixels = pixels[pixels["label"] > 0]
    table = _over_all(pixels).join(_over_inside(pixels)).reindex(range(1, count + 1))
    table["height_pixels"] = table["height_pixels"].fillna(0)
    table["roof"] = roof_types(inner, height, count, gsd_m)
    return table[[*MEASURED, MEAN]].astype(MEASURED)


def eroded(labels: np.ndarray) -> np.ndarray:
    """Return the labels of the pixels whose eight neighbours have the same label, 0 elsewhere, HxW.

    Args:
        labels: HxW int, 0 outside buildings; what is outside the array is no building.
    """
    padded = np.pad(labels, 1)
    rows, columns = labels.shape
    same = np.ones(labels.shape, bool)
    for y, x in np.ndindex(3, 3):
        same &= padded[y : y + rows, x : x + columns] == labels
    return np.where(same, labels, 0)


def _over_all(pixels: pandas.DataFrame) -> pandas.DataFrame:
    """Return what is measured over all pixels, by label."""
    groups = pixels.groupby("label")
    quantiles = groups["height"].quantile(np.array([0.5, 0.95])).unstack()
    return pandas.DataFrame(
        {
            "height_p50_m": quantiles[0.5],
            "height_p95_m": quantiles[0.95],
            "height_max_m": groups["height"].max(),
            MEAN: groups["height"].mean(),
            "probability": groups["probability"].mean(),
        }
    )


def _over_inside(pixels: pandas.DataFrame) -> pandas.DataFrame:
    """Return what is measured over the inside, by label; missing where too few pixels are valid."""
    inside = pixels[pixels["inside"] & pixels["height"].notna()]
    inside = inside.assign(roof=inside["height"] + inside["ground"])
    groups = inside.groupby("label")
    medians = groups[["height", "ground", "roof"]].median()
    deviations = (inside["height"] - medians["height"].reindex(inside["label"]).to_numpy()).abs()
    table = pandas.DataFrame(
        {
            "height_m": medians["height"],
            "height_spread_m": SPREAD * deviations.groupby(inside["label"]).median(),
            "ground_m": medians["ground"],
            "roof_m": medians["roof"],
        }
    )
    numbers = groups.size()
    return table.where(numbers >= INSIDE_PX).assign(height_pixels=numbers)


def nan_if_missing(values: np.ndarray) -> np.ndarray:
    """Return values as float64, NaN where they are missing."""
    return np.where(is_valid(values), values, np.nan).astype(np.float64)
