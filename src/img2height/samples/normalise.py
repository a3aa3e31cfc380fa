"""Normalisation of images and heights, with statistics of the training tiles only, kept as plain numbers."""

from dataclasses import asdict, dataclass

import numpy as np

from img2height.errors import DataError, TrainingError

HEIGHT_QUANTILES = (0.001, 0.999)  # of the training heights: IM2HEIGHT states no range; robust against single spikes
MIN_STD = 1e-6


@dataclass(frozen=True)
class Normalisation:
    """How images and heights become the numbers that a network sees.

    Attributes:
        image: mean and standard deviation by layer and band.
        mode: how offset and scale were found: minmax, zscore or metre.
        offset_m: metres that the normalised height 0 stands for.
        scale_m: metres that a step of 1 in the normalised height stands for.
    """

    image: dict[str, dict[str, tuple[float, float]]]
    mode: str
    offset_m: float
    scale_m: float

    def apply(self, layer: str, array: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """Return the z-scored image, float32 C x H x W; unknown pixels become 0, the mean.

        Args:
            layer: name of the layer.
            array: C x H x W, bands in the order of the statistics.
            valid: H x W bool.
        """
        statistics = np.array(list(self.image[layer].values()), np.float32)  # C x 2
        scaled = (array - statistics[:, 0, None, None]) / statistics[:, 1, None, None]  # C x H x W
        return np.where(valid, scaled, np.float32(0)).astype(np.float32)

    def normalise_heights(self, heights_m: np.ndarray) -> np.ndarray:
        """Return normalised heights, float32; NaN stays NaN."""
        return ((heights_m - self.offset_m) / self.scale_m).astype(np.float32)

    def to_metres(self, heights: np.ndarray) -> np.ndarray:
        """Return heights in metres from normalised ones; also takes tensors."""
        return heights * self.scale_m + self.offset_m

    def to_json(self) -> dict:
        """Return plain values for the model card."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict) -> "Normalisation":
        """Return the normalisation that a model card holds."""
        image = {layer: {b: tuple(s) for b, s in bands.items()} for layer, bands in value["image"].items()}
        return cls(image, value["mode"], value["offset_m"], value["scale_m"])


def clip_heights(heights_m: np.ndarray, target: str) -> np.ndarray:
    """Return heights that can exist: nothing lies below the ground that `ndsm` is measured from; also takes tensors."""
    return heights_m.clip(min=0) if target == "ndsm" else heights_m


def fit_bands(images: list[np.ndarray], valids: list[np.ndarray], bands: list[str]) -> dict[str, tuple[float, float]]:
    """Return mean and standard deviation of each band over the known pixels.

    Args:
        images: tiles, each C x H x W.
        valids: which pixels are known, each H x W bool.
        bands: names of the C bands.

    Raises:
        DataError: a band does not vary, so that it carries nothing.
    """
    known = np.concatenate([i[:, v] for i, v in zip(images, valids, strict=True)], axis=1).astype(np.float64)  # C x N
    statistics = {}
    for band, values in zip(bands, known, strict=True):
        mean, std = float(values.mean()), float(values.std())
        if std < MIN_STD:
            raise DataError(f"band {band} is {mean:g} in every training pixel; leave it out of the method's inputs")
        statistics[band] = (mean, std)
    return statistics


def fit_heights(heights_m: np.ndarray, mode: str) -> tuple[float, float]:
    """Return offset and scale in metres of the normalised height.

    Args:
        heights_m: known training heights, any shape.
        mode: minmax (robust quantiles to [0, 1]), zscore, or metre (as they are).

    Raises:
        TrainingError: the heights do not vary.
    """
    values = heights_m[np.isfinite(heights_m)].astype(np.float64)
    if mode == "metre":
        return 0.0, 1.0
    if mode == "minmax":
        low, high = (float(q) for q in np.quantile(values, HEIGHT_QUANTILES))
        offset, scale = low, high - low
    else:
        offset, scale = float(values.mean()), float(values.std())
    if scale < MIN_STD:
        raise TrainingError(
            f"all training heights are {offset:g} m: there is nothing to learn; check the reference layer"
        )
    return offset, scale
