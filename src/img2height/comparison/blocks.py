"""Bootstrap blocks: groups of tiles of one scene that are drawn together, because errors of neighbours correlate."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas

from img2height.vocabulary.tiles import BY_ROWS, SCENE


@dataclass(frozen=True)
class Blocks:
    """Square blocks of whole tiles, sorted by scene, row and column.

    Attributes:
        side_px: side of a block, a multiple of the tiles'.
        keys: dataset, scene, row and column (in blocks from the corner of the scene) of N blocks.
        neighbours: Px2, the places in `keys` of blocks that share a side.
    """

    side_px: int
    keys: pandas.MultiIndex
    neighbours: np.ndarray

    @classmethod
    def of(cls, tiles: pandas.DataFrame, side_px: int) -> "Blocks":
        """Return the blocks that contain the tiles.

        Args:
            tiles: dataset, scene, row_off and col_off of each tile; several rows of one tile count once.
            side_px: side of a block.
        """
        keys = _keys(tiles, side_px).unique().sort_values()
        return cls(side_px, keys, np.concatenate([_beside(keys, (1, 0)), _beside(keys, (0, 1))]))

    def add_up(self, tiles: pandas.DataFrame, sums: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the sums of each block, float64: N, or N x bins; 0 if it has no tile. Rows may be in any order.

        Args:
            tiles: T rows of one stratum of one method; dataset, scene, row_off and col_off of each.
            sums: sums of each of them by name, each T or T x bins.
        """
        order = tiles.reset_index(drop=True).sort_values(BY_ROWS).index  # it determines the digits of a sum
        place = self.keys.get_indexer(_keys(tiles, self.side_px))[order]
        totals = {name: np.zeros((len(self.keys), *values.shape[1:])) for name, values in sums.items()}
        for name, total in totals.items():
            np.add.at(total, place, sums[name][order])
        return totals


def _keys(tiles: pandas.DataFrame, side_px: int) -> pandas.MultiIndex:
    names = [*SCENE, "row", "col"]
    return pandas.MultiIndex.from_arrays(
        [tiles.dataset, tiles.scene, tiles.row_off // side_px, tiles.col_off // side_px], names=names
    )


def _beside(keys: pandas.MultiIndex, step: tuple[int, int]) -> np.ndarray:
    """Return the places of blocks and of those one step further, Px2, where both exist."""
    dataset, scene, row, col = (keys.get_level_values(level) for level in range(keys.nlevels))
    place = keys.get_indexer(pandas.MultiIndex.from_arrays([dataset, scene, row + step[0], col + step[1]]))
    return np.stack([np.flatnonzero(place >= 0), place[place >= 0]], axis=1)
