"""Calibrations with margins that are easy to check."""

from img2height.conformal.calibration import Calibration, HeightClass, Margin


def height_class(low_m: float | None, high_m: float | None, below_m: float, above_m: float) -> HeightClass:
    margin = Margin(level=0.9, below_m=below_m, above_m=above_m)
    return HeightClass(low_m=low_m, high_m=high_m, count=100, blocks=30, margins=[margin])


def calibration(factor: float = 1.0) -> Calibration:
    """Return margins of 1 m below and 2 m above up to 3 m, 3 and 4 m up to 10 m; the first and the last by a factor."""
    classes = [height_class(None, 3, factor, 2), height_class(3, 10, 3, 4 * factor)]
    return Calibration(
        weights_sha256="a" * 64, scenes=[], block_m=64, classes=classes, buildings=classes,
        everywhere=height_class(None, None, 7, 8),
    )  # fmt: skip
