"""Compiled code is self-contained, and only programs that sum pixels load numba."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from img2height.errors import DataError
from img2height.metrics import ErrorStatistics, formulas, histogram, kernels, structure, sums
from img2height.metrics.block import COUNTS, sum_block
from img2height.metrics.histogram import BINS, ErrorHistograms, fine_bins
from img2height.metrics.kernels import errors, similarity
from img2height.metrics.sums import combine

KERNELS = sorted(Path(kernels.__file__).parent.glob("[a-z]*.py"))
PACKAGE = Path(kernels.__file__).parents[2]
NEIGHBOURS = sorted(path for room in ("metrics", "scoring") for path in (PACKAGE / room).glob("[a-z]*.py"))


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.stem)
def test_a_kernel_imports_nothing_from_other_files(path):
    """Numba would keep what it compiled with an old constant of another file."""
    found = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {getattr(node, "module", None) or node.names[0].name for node in found}
    assert names <= {"math", "numba", "numpy"}


def test_the_constants_of_the_kernel_are_those_of_the_package():
    names = {
        sums: ("FRACTION_BITS", "DIGIT_BITS", "DIGITS"),
        histogram: ("BIN_M", "LIMIT_BIN"),
        formulas: ("DELTA_BASE", "LEAST_PREDICTION_M"),
    }
    for module, some in names.items():
        assert [getattr(errors, name) for name in some] == [getattr(module, name) for name in some]
    assert len(COUNTS) == errors.COUNTS
    assert similarity.TAPS == structure.WINDOW_PX


def test_numba_is_loaded_only_by_programs_that_sum_pixels():
    names = ", ".join(f"img2height.{path.parent.name}.{path.stem}" for path in NEIGHBOURS)
    code = f"import sys, {names}; sys.exit('numba' in sys.modules)"
    assert len(NEIGHBOURS) > 20
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("owners", [0, 2, 64])
@pytest.mark.parametrize("tile_px", [7, 64])
def test_each_stratum_of_each_tile_has_the_sums_of_its_pixels(tile_px, owners):
    rng = np.random.default_rng([2])
    truth = rng.uniform(0, 9, (23, 30))
    predicted = truth + rng.normal(0, 2, truth.shape)
    predicted[rng.random(truth.shape) < 0.1] = np.nan
    classes = rng.integers(0, 8, truth.shape, np.uint16)
    histograms = ErrorHistograms(3, owners)
    found = sum_block(predicted, truth, classes, np.arange(8, dtype=np.uint32), tile_px, 1.0, histograms)
    across = -(-truth.shape[1] // tile_px)
    for tile in range(len(found.counts)):
        row, column = (tile_px * k for k in divmod(tile, across))
        here = np.s_[row : row + tile_px, column : column + tile_px]
        for stratum in range(3):
            valid = (classes[here] >> stratum & 1).astype(bool)
            expected = ErrorStatistics.from_arrays(predicted[here], truth[here], valid)
            counts = found.counts[tile, stratum].tolist()
            assert counts[:3] == [expected.reference_pixels, expected.pixels, expected.ratio_pixels]
            whole = combine(found.digits[tile, stratum])
            assert (whole[2], whole[7]) == (expected.square_sum, expected.log_square_sum)
            assert found.coarse[tile, stratum].sum() == expected.pixels
    for stratum in range(3):
        some = (predicted - truth)[(classes >> stratum & 1 > 0) & ~np.isnan(predicted)]
        assert (histograms.pixels(stratum, 0, BINS - 1) == np.bincount(fine_bins(some), minlength=BINS)).all()


def test_more_pixels_than_are_added_up_at_once_and_more_kinds_than_own_histograms():
    rng = np.random.default_rng([3])
    truth = rng.uniform(0, 9, (300, 310))
    predicted = truth + rng.normal(0, 2, truth.shape)
    kinds, strata = rng.integers(0, 2**16, truth.shape, np.uint16), rng.integers(0, 2**25, 2**16, np.uint32)
    classes, histograms = strata[kinds], ErrorHistograms(25)
    found = sum_block(predicted, truth, kinds, strata, 310, 1.0, histograms)
    assert truth.size > errors.AT_ONCE
    whole = np.rint((predicted - truth) * 2.0**30).astype(np.int64)
    for stratum in (0, 1, 24):
        here = (classes >> stratum & 1).astype(bool)
        assert combine(found.digits[0, stratum])[:2].tolist() == [whole[here].sum(), np.abs(whole[here]).sum()]
        assert histograms.pixels(stratum, 0, BINS - 1).sum() == here.sum() == found.counts[0, stratum, 1]


@pytest.mark.parametrize("height", [3e6, -1e30, 3e38])
def test_implausible_heights_are_refused(height):
    pair = np.full((1, 4), height), np.ones((1, 4))
    with pytest.raises(DataError, match="not a possible height error"):
        sum_block(*pair, np.zeros((1, 4), np.uint16), np.ones(1, np.uint32), 4, 1.0, ErrorHistograms(1))
