"""What a score is: its formula on sums, unit, better direction, and where it is shown. The table of all is in `scores`.

A formula is applied to exact sums of a whole test area, to sums of its tiles, and to thousands of resampled sums, so it
must use only the members of `Sums`. Nothing here imports a library: `Sums` provides the arithmetic.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Kind = Literal["errors", "mask", "tiles", "distribution", "buildings", "building_errors", "derived"]
Better = Literal["lower", "higher", "nearer zero", "nearer one"]

SILOG_LAMBDA = 0.5
# COCO's thresholds: Lin et al. (2014), https://arxiv.org/abs/1405.0312
IOU_THRESHOLDS = tuple(percent / 100 for percent in range(50, 100, 5))


class Quantiles(Protocol):
    """The distribution of the errors, in metres."""

    def medae_m(self) -> Any:
        """Return the median absolute error."""

    def nmad_m(self) -> Any:
        """Return 1.4826 times the median absolute deviation of the errors from their median."""

    def quantile_m(self, level: float) -> Any:
        """Return the error below which a share of the pixels lies."""


class Sums(Protocol):
    """The inputs of formulas: sums over the pixels that count, as numbers or arrays of one shape.

    A score of kind `errors` uses those of errors in metres (prediction minus reference) and of ratios, computed where
    the reference is above `metrics.ratio_min_height_m`: relative is |error| / reference, log the difference of natural
    logarithms, delta1 to delta3 the pixels within a factor of 1.25, 1.25² and 1.25³. Kinds `mask` and `buildings` use
    the outcomes (true and false positives and negatives) of pixels and of whole buildings, kind `distribution` uses
    `errors`, and kind `tiles` uses `mean_ssim`. Kind `buildings` also uses the sums of `InstanceStatistics`, kind
    `building_errors` those of `BuildingErrors`; both are in metres, square or cubic metres, or without a unit.
    """

    reference_pixels: Any
    pixels: Any
    error_sum_m: Any
    absolute_sum_m: Any
    square_sum_m2: Any
    ratio_pixels: Any
    relative_sum: Any
    relative_square_sum: Any
    log10_sum: Any
    log_sum: Any
    log_square_sum: Any
    delta1_pixels: Any
    delta2_pixels: Any
    delta3_pixels: Any
    tp: Any
    fp: Any
    fn: Any
    tn: Any
    errors: Quantiles
    mean_ssim: Any
    tp_thresholds: Any
    overlapped: Any
    oversegmentation_sum: Any
    undersegmentation_sum: Any
    pairs: Any
    boundary_iou_sum: Any
    complexity_iou_sum: Any
    polis_sum: Any
    hausdorff_sum: Any
    tangent_pairs: Any
    tangent_sum: Any
    predicted_corners: Any
    reference_corners: Any
    buildings: Any
    height_error_sum: Any
    height_absolute_sum: Any
    height_square_sum: Any
    volumes: Any
    volume_reference_sum: Any
    volume_error_sum: Any
    volume_absolute_sum: Any

    def share(self, part: Any, whole: Any) -> Any:
        """Return part / whole, NaN where the whole is 0."""

    def root(self, square: Any) -> Any:
        """Return the square root."""


@dataclass(frozen=True)
class Score:
    """One score.

    Attributes:
        name: its key in scores.json and its column in tables; ends in its unit if it has one.
        title: as printed, without the unit.
        kind: what it is computed from; `derived` ones combine several methods or seeds, for the score table.
        formula: the score of sums; None for derived ones.
        unit: m, m², m³, ° or empty.
        better: which values are better; None if neither direction is.
        groups: the column groups of the score table that show it, see `GROUPS`; empty if it is in no table.
        meaning: a definition for the glossary; constants of the section `metrics` of params.yaml are in braces.
        place: its place among the scores of a table.
        by_stratum: whether it is in the table of land cover and stereo pairs.
        by_class: whether it is in the tables of height and size classes.
        compared: whether methods are compared by it.
    """

    name: str
    title: str
    kind: Kind
    formula: Callable[[Sums], Any] | None
    unit: str = ""
    better: Better | None = None
    groups: tuple[str, ...] = ()
    meaning: str = ""
    place: int = 0
    by_stratum: bool = False
    by_class: bool = False
    compared: bool = False

    @property
    def heading(self) -> str:
        """Title and unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    def badness(self, values: Any) -> Any:
        """Return numbers that are lower if values are better."""
        if self.better is None:
            raise ValueError(f"no value of {self.name} is better than another")
        badness = {"lower": values, "higher": -values, "nearer zero": abs(values), "nearer one": abs(values - 1)}
        return badness[self.better]

    def text(self, value: float | None, *, signed: bool = False) -> str:
        """Return a value as printed: metres with two decimals, others with three, a dash if nothing counts.

        Args:
            value: of the score, or a difference of two.
            signed: whether to print the sign of a positive value too, as for scores that are better nearer zero.
        """
        if value is None or math.isnan(value):
            return "–"
        sign = "+" if signed or self.better == "nearer zero" else ""
        return f"{value:{sign}.{2 if self.unit == 'm' else 3}f}".replace("-", "−")
