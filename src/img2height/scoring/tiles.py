"""The table of tiles: sums by tile and stratum, and the scores of such sums."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas

from img2height.errors import DataError
from img2height.io.tables import read_table
from img2height.metrics.block import COUNTS, QUANTITIES, BlockSums, fraction_bits
from img2height.metrics.coarse import CoarseQuantiles
from img2height.metrics.formulas import scores_of, share
from img2height.metrics.statistics import UNITS
from img2height.metrics.sums import as_float
from img2height.scoring.strata import STRATA
from img2height.vocabulary.scores import TILE_KINDS, of_kind
from img2height.vocabulary.tiles import CORNER, SCENE, TILE

OUTCOMES = ["tp", "fp", "fn", "tn"]
COLUMNS = [
    *CORNER, "size_px", "stratum", "reference_pixels", "pixels", "error_sum_m", "absolute_sum_m",
    "square_sum_m2", "ratio_pixels", "relative_sum", "relative_square_sum", "log10_sum", "log_sum", "log_square_sum",
    "delta1_pixels", "delta2_pixels", "delta3_pixels", "ssim", *OUTCOMES, "error_bins",
]  # fmt: skip
SUMS = [name for name in COLUMNS if name not in (*CORNER, "size_px", "stratum", "ssim", "error_bins")]
WHOLE = [*CORNER, "size_px", *COUNTS, *OUTCOMES]
EMPTY_VALUE = {"skip": np.nan, "one": 1.0, "zero": 0.0}


class TileRows(NamedTuple):
    """Sums of the tiles of a block, one row per tile and stratum with reference pixels.

    Tiles in which only the mask is valid have a row of stratum `all`.

    Attributes:
        place: N x 3 int64: row and column of the upper left pixel, number of the stratum.
        counts: N x 6 int64, pixels by `COUNTS`.
        digits: N x 8 x D int64, sums by `QUANTITIES`.
        error_bins: N x B int32, pixels by coarse bin.
        ssim: N float64, NaN for rows without SSIM.
        outcomes: N x 4 int64, pixels of the building mask by `OUTCOMES`.
    """

    place: np.ndarray
    counts: np.ndarray
    digits: np.ndarray
    error_bins: np.ndarray
    ssim: np.ndarray
    outcomes: np.ndarray


def tile_rows(sums: BlockSums, corners: np.ndarray, ssim: np.ndarray, outcomes: np.ndarray) -> TileRows:
    """Return the rows of the tiles of a block; those of stratum `all` include SSIM and the outcomes of masks.

    Args:
        sums: by tile and stratum.
        corners: T x 2, row and column of the upper left pixel of each tile.
        ssim: T float64, NaN for tiles without SSIM.
        outcomes: T x 4 int64, pixels of the building mask by `OUTCOMES`.
    """
    there = sums.counts[:, : len(STRATA), COUNTS.index("reference_pixels")] > 0
    everything = list(STRATA).index("all")
    there[:, everything] |= outcomes.any(axis=1)
    tile, stratum = np.nonzero(there)
    here, overall = (tile, stratum), stratum == everything
    return TileRows(
        np.column_stack([corners[tile], stratum]),
        sums.counts[here],
        sums.digits[here],
        sums.coarse[here],
        np.where(overall, ssim[tile], np.nan),
        np.where(overall[:, None], outcomes[tile], 0),
    )


def tile_table(blocks: Sequence[TileRows], size_px: int) -> pandas.DataFrame:
    """Return the rows of all blocks of a scene, sorted by row, column and stratum.

    Args:
        blocks: rows of each block.
        size_px: side of the tiles.
    """
    if not blocks:
        return pandas.DataFrame({name: np.empty(0, "int64" if name in WHOLE else "float64") for name in COLUMNS})
    bins = [pixels for rows in blocks for pixels in rows.error_bins]
    place, counts, digits, ssim, outcomes = (
        np.concatenate([getattr(rows, name) for rows in blocks])
        for name in ("place", "counts", "digits", "ssim", "outcomes")
    )
    order = np.lexsort(place.T[::-1])
    columns = dict(zip(COUNTS, counts[order].T, strict=True)) | dict(zip(OUTCOMES, outcomes[order].T, strict=True))
    for name, sums in zip(QUANTITIES, np.moveaxis(digits[order], 1, 0), strict=True):
        columns[UNITS.get(name, name)] = as_float(sums, fraction_bits(name))
    row, column, stratum = place[order].T
    columns |= {"row_off": row, "col_off": column, "size_px": np.full(len(order), size_px), "ssim": ssim[order]}
    columns |= {"stratum": np.array(list(STRATA), object)[stratum], "error_bins": [bins[k] for k in order]}
    return pandas.DataFrame(columns)[COLUMNS]


def read_tiles(path: Path) -> pandas.DataFrame:
    """Return the table of tiles of one method and seed: method, seed, dataset, scene, and `COLUMNS`.

    Raises:
        DataError: the file is missing, or lacks a column.
    """
    table = read_table(path)
    if missing := [name for name in ("method", "seed", *SCENE, *COLUMNS) if name not in table]:
        raise DataError(f"{path}: has no column {missing[0]!r}; was it written by another version? Evaluate again")
    return table


def tile_sums(tiles: pandas.DataFrame) -> dict[str, np.ndarray]:
    """Return the additive columns of a table of tiles for `scores_of_sums`: N each, `error_bins` N x B.

    `ssim` is 0 for tiles without SSIM; `ssim_tiles` is 1 for tiles with SSIM.

    Args:
        tiles: rows of one stratum, at least one.
    """
    numbers = tiles.drop(columns=[*TILE, "size_px", "stratum", "method", "seed", "error_bins"], errors="ignore")
    sums = {name: numbers[name].to_numpy() for name in numbers}
    there = ~np.isnan(sums["ssim"])
    return sums | {
        "ssim": np.where(there, sums["ssim"], 0),
        "ssim_tiles": there.astype(np.int64),
        "error_bins": np.stack(tiles["error_bins"].to_list()),
    }


def scores_of_sums(sums: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return all scores of many sums at once, NaN if nothing counts; names as in scores.json.

    Quantiles are computed from coarse bins, 1 cm wide near zero and 4 % of the error for larger errors.

    Args:
        sums: arrays of one shape, by column of the table of tiles; `error_bins` has one more axis. Scores whose columns
            are missing are left out: those of masks without `tp`, SSIM without `ssim_tiles`, quantiles without
            `error_bins`.
    """
    scores = scores_of("errors", **sums)
    if "tp" in sums:
        scores |= scores_of("mask", **sums)
    if "ssim_tiles" in sums:
        scores |= scores_of("tiles", mean_ssim=share(sums["ssim"], sums["ssim_tiles"]))
    if "error_bins" in sums:
        scores |= scores_of("distribution", errors=CoarseQuantiles(sums["error_bins"]))
    return scores


def tile_scores(tiles: pandas.DataFrame) -> pandas.DataFrame:
    """Return the location and the scores of each row of the table of tiles; NaN if nothing counts.

    Args:
        tiles: the table; only rows of stratum `all` have scores of masks and SSIM.
    """
    columns = {name: tiles[name].to_numpy() for name in SUMS}
    columns["mean_ssim"] = tiles["ssim"].to_numpy()
    scores = {name: values for kind in TILE_KINDS for name, values in scores_of(kind, **columns).items()}
    place = tiles[[name for name in ("method", "seed", *TILE, "size_px", "stratum", "pixels") if name in tiles]]
    return place.assign(**scores)


def per_image_scores(
    tiles: pandas.DataFrame, empty_tiles: Literal["skip", "one", "zero"]
) -> dict[str, dict[str, float | None]]:
    """Return the unweighted means over tiles: `all` for heights, `footprint` for building masks.

    Tiles without pixels for a score of heights are left out. A score of masks that is 0/0 in a tile where the reference
    mask is valid (no building in the reference, none predicted) follows `empty_tiles`.

    Args:
        tiles: the table.
        empty_tiles: leave such a tile out, or count it as one or zero.
    """
    rows = tiles[tiles.stratum == "all"]
    scores = tile_scores(rows)
    masks = rows[OUTCOMES].sum(axis=1).to_numpy() > 0
    footprint = scores.loc[masks, list(of_kind("mask"))]
    filled = footprint.fillna(EMPTY_VALUE[empty_tiles])
    return {
        "all": dict(_means(scores[list(of_kind("errors", "tiles"))])) | {"tiles": int((rows.pixels > 0).sum())},
        "footprint": dict(_means(filled)) | {"tiles": len(filled)},
    }


def _means(scores: pandas.DataFrame) -> Iterator[tuple[str, float | None]]:
    for name, values in scores.items():
        yield str(name), mean(values.dropna().to_numpy())


def mean(values: np.ndarray) -> float | None:
    """Return the mean of numbers, independent of their order, None if there are none."""
    return math.fsum(values) / len(values) if len(values) else None
