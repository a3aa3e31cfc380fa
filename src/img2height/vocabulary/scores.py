"""The scores: formula, unit, better direction, and where each is shown. To add one, add an entry to `SCORES`."""

from img2height.vocabulary.score import IOU_THRESHOLDS, SILOG_LAMBDA, Kind, Score

TILE_KINDS: tuple[Kind, ...] = ("errors", "mask", "tiles")  # available for a single tile, without its distribution

# Groups of columns of the score table, with their titles.
GROUPS = {
    "all": "All pixels",
    "buildings": "Building pixels",
    "footprint": "Footprint",
    "instances": "Buildings",
    "found": "Found buildings",
    "given": "Reference outlines",
}
STRATUM_OF = {"footprint": "all"}  # the stratum under which intervals and comparisons of a group are listed, if another
_HEIGHTS = ("all", "buildings")
_ERRORS = ("found", "given")
_RATIO, _HIGH = "share of pixels with max(p/r, r/p) below", "where the reference r is above {ratio_min_height_m:g} m"
_FOUND = "whole buildings; a building counts as found from an IoU of {instance_iou:g} on"
_PAIRS = "mean over the found buildings that are completely inside the test area"
_NMAD = (
    "1.4826 times the median absolute deviation of the errors from their median: the spread without outliers. On "
    "mostly flat areas it is near 0 even for a constant height, so never read it alone"
)
# In the order of tables of intervals.
SCORES = (
    Score(
        "coverage", "coverage", "errors", lambda s: s.share(s.pixels, s.reference_pixels), groups=("all",), place=10,
        meaning="share of the reference that has a prediction",
    ),
    Score(
        "bias_m", "bias", "errors", lambda s: s.share(s.error_sum_m, s.pixels), "m", "nearer zero", _HEIGHTS,
        "mean error; positive is too high", place=5, by_stratum=True, by_class=True,
    ),
    Score(
        "mae_m", "MAE", "errors", lambda s: s.share(s.absolute_sum_m, s.pixels), "m", "lower", _HEIGHTS,
        "mean absolute error", place=3, by_stratum=True, by_class=True, compared=True,
    ),
    Score("mse_m2", "MSE", "errors", lambda s: s.share(s.square_sum_m2, s.pixels), "m²", "lower"),
    Score(
        "rmse_m", "RMSE", "errors", lambda s: s.root(s.share(s.square_sum_m2, s.pixels)), "m", "lower", _HEIGHTS,
        "root mean squared error", place=1, by_stratum=True, by_class=True, compared=True,
    ),
    Score("abs_rel", "AbsRel", "errors", lambda s: s.share(s.relative_sum, s.ratio_pixels), better="lower"),
    Score(
        "rmse_rel", "relative RMSE", "errors", lambda s: s.root(s.share(s.relative_square_sum, s.ratio_pixels)),
        better="lower",
    ),
    Score("log10", "log10", "errors", lambda s: s.share(s.log10_sum, s.ratio_pixels), better="lower"),
    # The scale-invariant error of Eigen et al. (2014), https://arxiv.org/abs/1406.2283
    Score(
        "silog", "SILog", "errors",
        lambda s: s.share(s.log_square_sum, s.ratio_pixels) - SILOG_LAMBDA * s.share(s.log_sum, s.ratio_pixels) ** 2,
        better="lower",
    ),
    Score(
        "delta1", "δ1", "errors", lambda s: s.share(s.delta1_pixels, s.ratio_pixels), "", "higher", _HEIGHTS,
        f"{_RATIO} 1.25, {_HIGH}", place=6,
    ),
    Score(
        "delta2", "δ2", "errors", lambda s: s.share(s.delta2_pixels, s.ratio_pixels), "", "higher", _HEIGHTS,
        f"{_RATIO} 1.25², {_HIGH}", place=7,
    ),
    Score(
        "delta3", "δ3", "errors", lambda s: s.share(s.delta3_pixels, s.ratio_pixels), "", "higher", _HEIGHTS,
        f"{_RATIO} 1.25³, {_HIGH}", place=8,
    ),
    Score(
        "iou", "IoU", "mask", lambda s: s.share(s.tp, s.tp + s.fp + s.fn), "", "higher", ("footprint",),
        "intersection over union of the predicted and the reference building mask", place=1, compared=True,
    ),
    Score(
        "dice", "Dice", "mask", lambda s: s.share(2 * s.tp, 2 * s.tp + s.fp + s.fn), "", "higher", ("footprint",),
        "twice the intersection of both building masks over the sum of their areas", place=2,
    ),
    Score(
        "accuracy", "accuracy", "mask", lambda s: s.share(s.tp + s.tn, s.tp + s.fp + s.fn + s.tn), better="higher"
    ),
    Score("precision", "precision", "mask", lambda s: s.share(s.tp, s.tp + s.fp), better="higher"),
    Score("recall", "recall", "mask", lambda s: s.share(s.tp, s.tp + s.fn), better="higher"),
    Score(
        "ssim", "SSIM", "tiles", lambda s: s.mean_ssim, "", "higher", ("all",),
        "structural similarity with a data range of {ssim_range_m:g} m; 1 is the same picture", place=9,
    ),
    Score("medae_m", "MedAE", "distribution", lambda s: s.errors.medae_m(), "m", "lower"),
    Score(
        "nmad_m", "NMAD", "distribution", lambda s: s.errors.nmad_m(), "m", "lower", _HEIGHTS, _NMAD, place=4,
        by_stratum=True,
    ),
    Score("q05_m", "5 % quantile of errors", "distribution", lambda s: s.errors.quantile_m(0.05), "m"),
    Score("q25_m", "25 % quantile of errors", "distribution", lambda s: s.errors.quantile_m(0.25), "m"),
    Score("q50_m", "median error", "distribution", lambda s: s.errors.quantile_m(0.5), "m", "nearer zero"),
    Score("q75_m", "75 % quantile of errors", "distribution", lambda s: s.errors.quantile_m(0.75), "m"),
    Score("q95_m", "95 % quantile of errors", "distribution", lambda s: s.errors.quantile_m(0.95), "m"),
    Score(
        "precision", "precision", "buildings", lambda s: s.share(s.tp, s.tp + s.fp), "", "higher", ("instances",),
        f"share of the predicted buildings that exist, of {_FOUND}", place=1,
    ),
    Score(
        "recall", "recall", "buildings", lambda s: s.share(s.tp, s.tp + s.fn), "", "higher", ("instances",),
        f"share of the reference buildings that were found, of {_FOUND}", place=2,
    ),
    Score(
        "f1", "F1", "buildings", lambda s: s.share(2 * s.tp, 2 * s.tp + s.fp + s.fn), "", "higher", ("instances",),
        "harmonic mean of precision and recall", place=3, compared=True,
    ),
    Score(  # 2 tp + fp + fn, the number of buildings on both sides, is the same at each threshold
        "mean_f1", "mean F1", "buildings",
        lambda s: s.share(2 * s.tp_thresholds, len(IOU_THRESHOLDS) * (2 * s.tp + s.fp + s.fn)), "", "higher",
        ("instances",), "mean of F1 at IoU thresholds from 0.5 to 0.95 in steps of 0.05", place=4,
    ),
    Score(
        "boundary_iou", "boundary IoU", "buildings", lambda s: s.share(s.boundary_iou_sum, s.pairs), "", "higher",
        ("instances",), f"IoU of the bands {{boundary_m:g}} m inside both outlines (Cheng et al. 2021), {_PAIRS}",
        place=5,
    ),
    Score(
        "polis_m", "PoLiS", "buildings", lambda s: s.share(s.polis_sum, s.pairs), "m", "lower", ("instances",),
        f"distance of the vertices of one outline from the other, both ways (Avbelj et al. 2015), {_PAIRS}", place=6,
    ),
    Score(
        "hausdorff_m", "Hausdorff distance", "buildings", lambda s: s.share(s.hausdorff_sum, s.pairs), "m", "lower",
        meaning=f"largest distance of one outline from the other, {_PAIRS}",
    ),
    Score(
        "complexity_iou", "C-IoU", "buildings", lambda s: s.share(s.complexity_iou_sum, s.pairs), better="higher",
        meaning=f"IoU, reduced where the numbers of corners differ (Zorzi et al. 2022), {_PAIRS}",
    ),
    Score(
        "corner_ratio", "corner ratio", "buildings", lambda s: s.share(s.predicted_corners, s.reference_corners), "",
        "nearer one", ("instances",), "corners of the predicted over those of the reference outlines (N ratio of Zorzi "
        "et al. 2022), of the found buildings that are completely inside the test area", place=7,
    ),
    Score(
        "tangent_angle_deg", "tangent angle error", "buildings", lambda s: s.share(s.tangent_sum, s.tangent_pairs), "°",
        "lower", meaning=f"largest angle between both outlines (Girard et al. 2021), {_PAIRS}",
    ),
    Score(
        "oversegmentation", "oversegmentation", "buildings", lambda s: s.share(s.oversegmentation_sum, s.overlapped),
        better="lower", meaning="share of a reference building outside the predicted one that covers most of it "
        "(Persello and Bruzzone 2010), mean over the reference buildings of which anything was predicted",
    ),
    Score(
        "undersegmentation", "undersegmentation", "buildings", lambda s: s.share(s.undersegmentation_sum, s.overlapped),
        better="lower", meaning="share of that predicted building outside the reference one, mean over the same",
    ),
    Score(
        "bias_m", "height bias", "building_errors", lambda s: s.share(s.height_error_sum, s.buildings), "m",
        "nearer zero", _ERRORS, "mean error of the heights of buildings; positive is too high", place=3,
    ),
    Score(
        "mae_m", "height MAE", "building_errors", lambda s: s.share(s.height_absolute_sum, s.buildings), "m", "lower",
        _ERRORS, "mean absolute error of the heights of buildings: of found ones, or of the median height that was "
        "predicted in each reference outline", place=1,
    ),
    Score(
        "rmse_m", "height RMSE", "building_errors", lambda s: s.root(s.share(s.height_square_sum, s.buildings)), "m",
        "lower", _ERRORS, "root mean squared error of the heights of buildings", place=2, compared=True,
    ),
    Score(
        "volume_bias", "volume bias", "building_errors", lambda s: s.share(s.volume_error_sum, s.volume_reference_sum),
        better="nearer zero", meaning="error of the volume of all these buildings together, relative to it",
    ),
    Score(
        "volume_error", "volume error", "building_errors",
        lambda s: s.share(s.volume_absolute_sum, s.volume_reference_sum), "", "lower", _ERRORS,
        "absolute errors of the volumes of buildings, relative to the volume of all of them", place=4,
    ),
    Score(
        "volume_mae_m3", "volume MAE", "building_errors", lambda s: s.share(s.volume_absolute_sum, s.volumes), "m³",
        "lower", meaning="mean absolute error of the volumes of buildings",
    ),
    Score(
        "rmse_ratio", "RMSE / mean_height", "derived", None, "", "lower", _HEIGHTS,
        "1 for a method that is no better than the mean training height everywhere", place=2,
    ),
    Score(
        "rmse_sd_m", "RMSE sd", "derived", None, "m", None, ("all",), "standard deviation of the RMSE over the seeds",
        place=11,
    ),
)  # fmt: skip


def of_kind(*kinds: Kind) -> dict[str, Score]:
    """Return the scores of some kinds by name, in the order of the kinds."""
    return {score.name: score for kind in kinds for score in SCORES if score.kind == kind}


def columns() -> dict[str, list[Score]]:
    """Return the scores of the score table by its groups of columns, in order of their places."""
    ranked = sorted(SCORES, key=lambda score: score.place)
    return {group: [score for score in ranked if group in score.groups] for group in GROUPS}


def compared() -> list[tuple[str, Score]]:
    """Return group and score of all scores by which methods are compared: those of the same pixels or buildings."""
    same = {group: scores for group, scores in columns().items() if group != "found"}  # each method finds other ones
    return [(group, score) for group, scores in same.items() for score in scores if score.compared]
