"""Fits what a model has seen to the descriptions of its training tiles."""

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.covariance import ledoit_wolf

from img2height.familiarity.describe import RATIOS, names_of
from img2height.familiarity.familiarity import Described, Descriptor, Familiarity, LayerFamiliarity, entered

LEVEL = 0.95  # of the validation tiles score at most 1
LEAST_TILES = 10  # of a layer
FLOOR = 0.05  # of the mean: smaller ratios are alike
RIDGE = 1e-3  # of the variance, so that no direction has none
CONSTANT = 1e-6  # smallest spread, relative to the centre
DIGITS = 9


def fit_familiarity(
    trained: Sequence[Described], validated: Sequence[Described], bands: Mapping[str, list[str]],
    weights_sha256: str, scenes: Sequence[str], tile_px: int,
) -> Familiarity:  # fmt: skip
    """Return what a model has seen.

    Descriptors of the training tiles give a centre and a covariance, shrunk as by Ledoit and Wolf (2004,
    https://doi.org/10.1016/S0047-259X(03)00096-4). The score of a tile is its Mahalanobis distance divided by the edge,
    which 95 % of the validation tiles do not exceed, nor of the training tiles. The largest of several layers counts,
    so each has a share of the other 5 %.

    Args:
        trained: training tiles.
        validated: validation tiles, which are apart.
        bands: by layer.
        weights_sha256: digest of the weights.
        scenes: dataset/scene of the training areas.
        tile_px: side of the tiles in pixels.
    """
    tail = (1 - LEVEL) / len(bands)
    parts = {layer: (_of_layer(trained, layer), _of_layer(validated, layer)) for layer in bands}
    layers = [
        _fit_layer(layer, bands[layer], *tiles, 1 - tail)
        for layer, tiles in parts.items()
        if len(tiles[0]) >= LEAST_TILES
    ]
    return Familiarity(weights_sha256=weights_sha256, scenes=list(scenes), tile_px=tile_px, layers=layers)


def _of_layer(tiles: Sequence[Described], layer: str) -> list[np.ndarray]:
    return [numbers for tile in tiles if (numbers := tile.get(layer)) is not None]


def _fit_layer(
    layer: str, bands: list[str], trained: list[np.ndarray], validated: list[np.ndarray], level: float
) -> LayerFamiliarity:
    names, numbers = names_of(bands), np.stack(trained)
    means = numbers.mean(axis=0)
    floors = np.array([FLOOR * m or 1.0 if s in RATIOS else np.nan for (s, _), m in zip(names, means, strict=True)])
    values = entered(numbers, floors)
    centre, spread = values.mean(axis=0), values.std(axis=0)
    spread = np.where(spread > CONSTANT * np.maximum(1, np.abs(centre)), spread, 1)
    covariance = ledoit_wolf((values - centre) / spread, assume_centered=True)[0] + RIDGE * np.eye(len(names))
    descriptors = [
        Descriptor(statistic=statistic, bands=of, floor=None if np.isnan(floor) else float(floor),
                   centre=float(mean), spread=float(deviation))
        for (statistic, of), floor, mean, deviation in zip(names, floors, centre, spread, strict=True)
    ]  # fmt: skip
    found = LayerFamiliarity(
        layer=layer, trained=len(trained), validated=len(validated), descriptors=descriptors,
        covariance=[covariance[n, : n + 1].round(DIGITS).tolist() for n in range(len(names))], edge=1.0,
    )  # fmt: skip
    edges = [_edge([found.shares(tile).sum() for tile in tiles], level) for tiles in (trained, validated) if tiles]
    return found.model_copy(update={"edge": max(edges) or 1.0})


def _edge(squares: list[float], level: float) -> float:
    return round(float(np.sqrt(np.quantile(squares, level, method="higher"))), DIGITS)
