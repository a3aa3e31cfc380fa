"""Scores under the conventions of single papers, for comparison with their tables; our own scores are the strict ones.

Each function states the differences from the strict scores. Papers that print heights without a unit normalised them:
here they are divided by one stated height, `height_divisor_m`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas

from img2height.metrics.confusion import ConfusionStatistics
from img2height.metrics.formulas import as_json, scores_of, share
from img2height.metrics.statistics import ErrorStatistics
from img2height.scoring.strata import NONZERO
from img2height.scoring.tiles import OUTCOMES, mean, per_image_scores, tile_scores

Scores = dict[str, Any]
SMOOTHING = 1.0


def paper_scores(
    strict: Mapping[str, Scores],
    footprint: ConfusionStatistics,
    nonzero: Mapping[str, ErrorStatistics],
    tiles: pandas.DataFrame,
    height_divisor_m: float,
) -> dict[str, Scores]:
    """Return the scores under the convention of each paper, None if nothing counts.

    Args:
        strict: scores by stratum, see `SceneStatistics.height_scores`.
        footprint: predicted against reference building mask.
        nonzero: statistics of `NONZERO`.
        tiles: the table of tiles.
        height_divisor_m: divisor of the heights of papers that normalised them, in metres.
    """
    return {
        "im2height": im2height(strict["all"], height_divisor_m),
        "fusionheightnet": fusionheightnet(strict["buildings"], footprint, tiles, height_divisor_m),
        "resdepth": {whole: resdepth(nonzero[name]) for name, whole in NONZERO.items()},
        "monodepth": monodepth(strict["all"]),
    }


def im2height(everywhere: Scores, height_divisor_m: float) -> Scores:
    """Return MSE, MAE and SSIM of normalised heights, as in Table I of IM2HEIGHT (https://arxiv.org/abs/1802.10249).

    Args:
        everywhere: strict scores of all pixels.
        height_divisor_m: divisor of the heights in metres.
    """
    return {
        "mse": _over(everywhere["mse_m2"], height_divisor_m**2),
        "mae": _over(everywhere["mae_m"], height_divisor_m),
        "ssim": everywhere["ssim"],
        "height_divisor_m": height_divisor_m,
    }


def fusionheightnet(
    buildings: Scores, footprint: ConfusionStatistics, tiles: pandas.DataFrame, height_divisor_m: float
) -> Scores:
    """Return the columns of Table 1 of FusionHeightNet (https://doi.org/10.3390/rs16060958), as we interpret them.

    Heights are normalised and count on building pixels only. No single aggregation explains its numbers: RMSE is below
    the root of MSE, so it is a mean over images; Dice is too high for IoU, so it is pooled (and smoothed by one pixel)
    and IoU is a mean over images, as are precision and recall; an image without buildings counts as zero. `f1` is that
    of the mean precision and recall. `*_eq*` are the formulas as printed: 23 has no absolute value, 25 no root, 29 and
    30 have TN instead of FN.

    Args:
        buildings: strict scores of building pixels.
        footprint: predicted against reference building mask.
        tiles: the table of tiles.
        height_divisor_m: divisor of the heights in metres.
    """
    rmse = tile_scores(tiles[tiles.stratum == "buildings"])["rmse_m"].dropna().to_numpy()
    images = per_image_scores(tiles, "zero")["footprint"]
    tp, fp, fn, tn = (getattr(footprint, name) for name in OUTCOMES)
    precision, recall = (np.nan if value is None else value for value in (images["precision"], images["recall"]))
    ratios = {
        "dice": share(2 * tp + SMOOTHING, 2 * tp + fp + fn + SMOOTHING if tp + fp + fn + tn else 0),
        "accuracy": scores_of("mask", **vars(footprint))["accuracy"],
        "f1": share(2 * precision * recall, precision + recall),
        "dice_eq29": share(2 * tp, 2 * tp + fp + tn),
        "iou_eq30": share(tp, tp + fp + tn),
    }
    return {
        "mae": _over(buildings["mae_m"], height_divisor_m),
        "mse": _over(buildings["mse_m2"], height_divisor_m**2),
        "rmse": _over(mean(rmse), height_divisor_m),
        **{name: buildings[name] for name in ("delta1", "delta2", "delta3")},
        **{name: images[name] for name in ("iou", "precision", "recall")},
        **as_json(ratios),
        "mae_eq23": _over(buildings["bias_m"], height_divisor_m),
        "rmse_eq25": _over(buildings["mse_m2"], height_divisor_m**2),
        "height_divisor_m": height_divisor_m,
    }


def resdepth(errors: ErrorStatistics) -> Scores:
    """Return the statistics printed by ResDepth's program (https://arxiv.org/abs/2106.08107), in metres.

    Two of its errors are kept: `nmad_m` is centred on the median of the absolute errors, and references of exactly
    0 m count as nodata. Its buildings are dilated by two pixels.

    Args:
        errors: statistics without references of exactly zero.
    """
    strict = errors.scores()
    kept = ("pixels", "max_error_m", "min_error_m", "mae_m", "rmse_m", "medae_m")
    return {name: strict[name] for name in kept} | {
        "median_m": strict["q50_m"],
        "nmad_m": errors.histogram.nmad_of_medae_m(),
    }


def monodepth(everywhere: Scores) -> Scores:
    """Return the columns of Table 1 of the MobileNetV2 and SqueezeNet depth paper; its `rms` is a *relative* RMSE.

    Args:
        everywhere: strict scores of all pixels.
    """
    names = {"rel": "abs_rel", "rms": "rmse_rel", "log10": "log10"}
    return {name: everywhere[strict] for name, strict in names.items()} | {
        name: everywhere[name] for name in ("delta1", "delta2", "delta3")
    }


def _over(value: float | None, divisor: float) -> float | None:
    return None if value is None else value / divisor
