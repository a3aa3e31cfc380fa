"""Tiles of one random process, and how they are described."""

import numpy as np
from scipy.ndimage import gaussian_filter

from img2height.familiarity.describe import describe
from img2height.familiarity.familiarity import Familiarity
from img2height.familiarity.fit import fit_familiarity

SIDE_PX = 32
BANDS = {"eo": ["red", "green", "blue"]}


def tile(seed: int, side_px: int = SIDE_PX) -> np.ndarray:
    """Return three smooth bands that vary together, uint8, whose levels differ from tile to tile."""
    rng = np.random.default_rng(seed)
    shared, own = (gaussian_filter(rng.normal(size=(n, side_px, side_px)), (0, 1, 1)) for n in (1, 3))
    level = rng.normal(scale=10, size=(1, 1, 1)) + np.array([80, 110, 140])[:, None, None]
    return np.rint(level + 60 * shared + 20 * own).clip(0, 255).astype(np.uint8)


def described(image: np.ndarray, valid: np.ndarray | None = None) -> dict[str, np.ndarray | None]:
    """Return the description of an image as that of the layer `eo`."""
    return {"eo": describe(image, np.ones(image.shape[1:], bool) if valid is None else valid)}


def familiarity(weights_sha256: str = "a" * 64, tile_px: int = SIDE_PX) -> Familiarity:
    """Return what a model has seen that was trained on 150 tiles of the process and validated with 100."""
    tiles = [described(tile(seed, tile_px)) for seed in range(250)]
    return fit_familiarity(tiles[:150], tiles[150:], BANDS, weights_sha256, ["demo/harbour"], tile_px)


def score(found: Familiarity, tile: dict[str, np.ndarray | None]) -> float:
    """Return the score of a tile."""
    layer_and_shares = found.shares(tile)
    assert layer_and_shares is not None
    return float(np.sqrt(layer_and_shares[1].sum()))
