"""What a model has seen, familiarity.json: the distribution of its training tiles, and the edge of what is normal."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from img2height.io.records import OfWeights, Record, read_of_weights
from img2height.io.tables import write_sealed

FAMILIARITY = "familiarity.json"
EDGE = 1.0  # 5 % of the validation tiles score higher
BOUND = 2.0  # tiles that score higher are unlike; `python benchmarks/familiarity.py` shows which do
FEWEST_TILES = 20  # of an image whose tiles together may be unlike, though none alone is

Described = Mapping[str, np.ndarray | None]


class Descriptor(Record):
    """One number that describes a tile, in the training tiles.

    Attributes:
        statistic: what it measures.
        bands: of which band or bands.
        floor: the number enters as the logarithm of its sum with it; None if it enters as it is.
        centre: mean of what enters.
        spread: standard deviation of what enters; 1 if it is constant.
    """

    statistic: str
    bands: str
    floor: float | None
    centre: float
    spread: float


class LayerFamiliarity(Record):
    """The training tiles of one input layer.

    Attributes:
        layer: its name.
        trained: number of the training tiles.
        validated: number of the validation tiles.
        descriptors: in the order of `names_of`.
        covariance: of the standardised descriptors, shrunk; rows of the lower triangle.
        edge: distance of a tile that scores 1.
    """

    layer: str
    trained: int
    validated: int
    descriptors: list[Descriptor]
    covariance: list[list[float]]
    edge: float

    @cached_property
    def precision(self) -> np.ndarray:
        """The inverse of the covariance, N x N float64."""
        lower = np.zeros((len(self.covariance),) * 2)
        for place, row in enumerate(self.covariance):
            lower[place, : place + 1] = row
        return np.linalg.inv(lower + np.tril(lower, -1).T)

    def shares(self, numbers: np.ndarray) -> np.ndarray:
        """Return the share of each descriptor in the squared score of a tile, N float64; their sum is that square.

        Args:
            numbers: see `describe`.
        """
        floors = np.array([np.nan if each.floor is None else each.floor for each in self.descriptors])
        centre, spread = (np.array([getattr(each, n) for each in self.descriptors]) for n in ("centre", "spread"))
        standard = (entered(numbers, floors) - centre) / spread
        return standard * (self.precision @ standard) / (len(standard) * self.edge**2)


class Familiarity(OfWeights):
    """What a model has seen.

    Attributes:
        scenes: dataset/scene of its training areas.
        tile_px: side of the tiles in pixels.
        layers: the input layers; those of which too few training tiles were valid are left out.
    """

    scenes: list[str]
    tile_px: int
    layers: list[LayerFamiliarity]

    def shares(self, tile: Described) -> tuple[str, np.ndarray] | None:
        """Return the layer of a tile that is farthest from the training, and see `LayerFamiliarity.shares`.

        None if no layer is described.

        Args:
            tile: by layer; see `describe`.
        """
        found = [
            (each.layer, each.shares(numbers)) for each in self.layers if (numbers := tile.get(each.layer)) is not None
        ]
        return max(found, key=lambda pair: float(pair[1].sum()), default=None)

    def words(self, layer: str) -> list[str]:
        """Return what each descriptor of a layer measures."""
        (found,) = (each for each in self.layers if each.layer == layer)
        return [f"{each.statistic} of {each.bands} in {layer}" for each in found.descriptors]


def entered(numbers: np.ndarray, floors: np.ndarray) -> np.ndarray:
    """Return numbers as they enter a distance.

    Args:
        numbers: ... x N float64.
        floors: N float64, NaN for those that enter as they are.
    """
    whole = np.isnan(floors)
    return np.where(whole, numbers, np.log(np.where(whole, 1, numbers + floors)))


def write_familiarity(familiarity: Familiarity, path: Path) -> None:
    """Write familiarity.json with a seal over its content."""
    write_sealed(familiarity.model_dump(mode="json"), path)


def read_familiarity(path: Path, weights_sha256: str | None = None) -> Familiarity:
    """Return what a model has seen.

    Args:
        path: familiarity.json.
        weights_sha256: digest of the weights that it has to be of; None accepts any.

    Raises:
        DataError: the file is missing, altered, of another version, or of other weights.
    """
    return read_of_weights(Familiarity, path, weights_sha256, "make it again")


def familiarity_of(folder: Path, weights_sha256: str) -> Familiarity | None:
    """Return what the model of a folder has seen; None if that is not recorded.

    Args:
        folder: of the model.
        weights_sha256: digest of its weights.

    Raises:
        DataError: see `read_familiarity`.
    """
    path = folder / FAMILIARITY
    return read_familiarity(path, weights_sha256) if path.is_file() else None
