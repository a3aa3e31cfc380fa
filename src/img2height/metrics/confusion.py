"""Pixels of building masks by predicted and reference class."""

import math
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from img2height.heights import same_shape, under_mask
from img2height.metrics.formulas import as_json, scores_of, share
from img2height.metrics.sums import Sums
from img2height.vocabulary.layers import ABSENT, PRESENT


@dataclass(frozen=True)
class ConfusionStatistics(Sums):
    """Pixels of building masks by outcome.

    Attributes:
        tp: building in both.
        fp: predicted, but not in the reference.
        fn: in the reference, but not predicted.
        tn: not building in both.
        missing: valid references without a prediction; they only lower the coverage.
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0
    missing: int = 0

    @classmethod
    def from_arrays(cls, predicted: np.ndarray, reference: np.ndarray, valid: np.ndarray | None = None) -> Self:
        """Return the statistics of two masks.

        Args:
            predicted: 1 or true is building, 0 other, anything else missing.
            reference: 1 or true is building, 0 other, anything else missing; same shape.
            valid: bool, same shape; pixels to count.

        Raises:
            DataError: the shapes differ.
        """
        predicted, reference = np.asarray(predicted), np.asarray(reference)
        same_shape("the predicted mask", predicted, reference)
        counts = under_mask(np.isin(reference, (ABSENT, PRESENT)), valid)
        hit, there = predicted[counts] == PRESENT, reference[counts] == PRESENT
        miss = predicted[counts] == ABSENT
        tp, fp = int((hit & there).sum()), int((hit & ~there).sum())
        fn, tn = int((miss & there).sum()), int((miss & ~there).sum())
        return cls(tp, fp, fn, tn, missing=hit.size - tp - fp - fn - tn)

    def scores(self) -> dict[str, float | None]:
        """Return the scores by name, from 0 to 1; None if nothing counts, never NaN."""
        pixels = self.tp + self.fp + self.fn + self.tn
        coverage = as_json({"coverage": share(pixels, pixels + self.missing)})
        return {"pixels": pixels} | coverage | as_json(scores_of("mask", **vars(self)))


def count_outcomes(predicted: np.ndarray, reference: np.ndarray, inside: np.ndarray, tile_px: int) -> np.ndarray:
    """Return the pixels of each tile by field of `ConfusionStatistics`, T x 5 int64.

    Args:
        predicted: HxW uint8, 1 building, 0 other, else missing.
        reference: HxW uint8, 1 building, 0 other, else missing.
        inside: HxW bool, pixels to count.
        tile_px: side of the tiles.
    """
    from img2height.metrics.kernels.outcomes import count  # slow to import

    tiles = math.prod(-(-size // tile_px) for size in inside.shape)
    counts = np.zeros((tiles, len(fields(ConfusionStatistics))), np.int64)
    count(predicted, reference, inside, tile_px, PRESENT, ABSENT, counts)
    return counts
