"""Scores the tiles of a scene by how far their inputs are from those that a model was trained on."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
from affine import Affine
from shapely.geometry.base import BaseGeometry

from img2height.familiarity.familiarity import BOUND, EDGE, FEWEST_TILES, Familiarity
from img2height.inference.familiar import described, whole_tile
from img2height.inference.inputs import ModelInputs, open_inputs
from img2height.io.areas import window_box
from img2height.io.grid import Grid
from img2height.io.rasters import Band, bounded_cache, write_cog
from img2height.models.folder import LoadedModel
from img2height.scenes.pairs import views_together
from img2height.scenes.scene import Scene
from img2height.tiles.areas import area_of
from img2height.vocabulary.layers import NODATA

logger = logging.getLogger(__name__)

BAND = "unfamiliarity"
NAMED = 3  # descriptors in a warning


@dataclass(frozen=True)
class Unfamiliarity:
    """The scores of the tiles of a scene.

    Attributes:
        grid: whose pixels are the tiles; the last of a row or column may reach beyond the scene.
        scores: H x W float32, 1 at the edge of what is familiar; NaN where too few pixels are valid.
        reasons: share in the squared scores above `EDGE`, by descriptor in words.
    """

    grid: Grid
    scores: np.ndarray
    reasons: dict[str, float]

    @property
    def share(self) -> float:
        """The share of the scored tiles above `BOUND`; NaN if none is scored."""
        return self._above(BOUND)

    @property
    def as_a_whole(self) -> bool:
        """Whether most tiles are beyond what is usual, though not beyond `BOUND`: noise or haze, say."""
        return np.isfinite(self.scores).sum() >= FEWEST_TILES and self.share <= 0.5 < self._above(EDGE)

    def _above(self, score: float) -> float:
        """Return the share of the scored tiles above a score; NaN if none is scored."""
        scored = np.isfinite(self.scores)
        return float((self.scores > score).sum() / scored.sum()) if scored.any() else np.nan

    def write(self, out: Path) -> None:
        """Write the scores as a COG: float32, -9999 where missing."""
        write_cog(out, self.scores, self.grid, [Band(BAND)], nodata=NODATA)

    def warn(self, name: str) -> None:
        """Log a warning if tiles of a scene, or all together, are unlike what the model was trained on."""
        foremost = ", ".join(sorted(self.reasons, key=lambda reason: -self.reasons[reason])[:NAMED])
        if self.share > 0:
            row, column = np.unravel_index(np.nanargmax(self.scores), self.scores.shape)
            x, y = self.grid.transform @ (column + 0.5, row + 0.5)
            logger.warning(
                "%s: %.3g %% of the image is unlike what the model was trained on (score above %g, largest %.1f at "
                "%.0f, %.0f): %s; heights there cannot be trusted",
                name, 100 * self.share, BOUND, np.nanmax(self.scores), x, y, foremost,
            )  # fmt: skip
        if self.as_a_whole:
            logger.warning(
                "%s: the image as a whole differs from what the model was trained on (%.0f %% of the tiles score above "
                "%g, 5 %% are usual): %s; expect larger errors than in the scores of the model",
                name, 100 * self._above(EDGE), EDGE, foremost,
            )  # fmt: skip


def find_unfamiliar(images: ModelInputs, familiarity: Familiarity, area: BaseGeometry | None = None) -> Unfamiliarity:
    """Return how far the tiles of a scene are from those that a model was trained on.

    Tiles do not overlap; at the end of the scene they are moved back to lie inside.

    Args:
        images: the inputs of the model in the scene.
        familiarity: of the model.
        area: only tiles in it are scored, polygon in pixel coordinates; None scores all.

    Raises:
        DataError: a raster cannot be read.
    """
    grid, side_px = images.scene.grid, familiarity.tile_px
    coarse = Grid(
        grid.crs, grid.transform @ Affine.scale(side_px), -(-grid.width // side_px), -(-grid.height // side_px)
    )
    scores = np.full(coarse.shape, np.nan, np.float32)
    reasons: dict[str, float] = {}
    with bounded_cache():
        for place in np.ndindex(coarse.shape):
            window = whole_tile(place[1] * side_px, place[0] * side_px, grid, side_px)
            if area is not None and not area.intersects(window_box(window)):
                continue
            if (found := familiarity.shares(described(images, window, area))) is None:
                continue
            layer, shares = found
            scores[place] = np.sqrt(max(shares.sum(), 0))
            if scores[place] > EDGE:
                for name, share in zip(familiarity.words(layer), shares, strict=True):
                    reasons[name] = reasons.get(name, 0.0) + float(share)
    return Unfamiliarity(coarse, scores, reasons)


def find_unfamiliar_folds(
    scene: Scene, folds: Sequence[tuple[int, LoadedModel, Familiarity]], areas: geopandas.GeoDataFrame
) -> Unfamiliarity:
    """Return how far the test area of each fold in a scene is from what its model has seen.

    Views are those of the first pair of the tests. Where a tile has pixels of two folds, the larger score counts.

    Args:
        scene: a prepared scene.
        folds: number, model, and what it has seen.
        areas: the areas of the parts, see `split_folds`.

    Raises:
        Img2HeightError: the scene does not fit a model, or cannot be read.
    """
    parts = []
    for number, model, familiarity in folds:
        with open_inputs(model, scene, views_together(scene, "test", model.recipe)[0]) as images:
            area = area_of(areas, "test", scene.dataset, scene.name, number)
            parts.append(find_unfamiliar(images, familiarity, area))
    reasons = sum((Counter(part.reasons) for part in parts), Counter[str]())
    return Unfamiliarity(parts[0].grid, np.fmax.reduce([part.scores for part in parts]), dict(reasons))
