"""Normalisation of images and heights, with statistics of the training tiles only, stored as plain numbers."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from img2height.errors import DataError, TrainingError
from img2height.vocabulary.layers import INITIAL
from img2height.vocabulary.quantities import ABOVE_GROUND

if TYPE_CHECKING:
    from torch import Tensor

Heights = TypeVar("Heights", np.ndarray, "Tensor")

HEIGHT_QUANTILES = (0.001, 0.999)  # of the training heights: IM2HEIGHT states no range; robust against isolated spikes
IMAGE_QUANTILES = (0.02, 0.98)  # CGAN: a robust stretch per band
IMAGENET = {"red": (0.485, 0.229), "green": (0.456, 0.224), "blue": (0.406, 0.225)}
BYTE = 255.0
RANGES = {"unit": (0, 1), "tanh": (-1, 1)}
MIN_STD = 1e-6
ROUGHNESS_QUANTILES = (0.05, 0.95)  # ResDepth: patches outside are too flat or too rough to determine the scale


@dataclass(frozen=True)
class Normalisation:
    """The scaling of images and heights to the numbers that a network sees.

    Attributes:
        image: by layer and band, the offset and divisor of the values: mean and standard deviation for z-scores.
        mode: how offset and scale were found: minmax, zscore, metre or patch_centred.
        offset_m: metres at the normalised height 0; 0 if each patch has its own offset.
        scale_m: metres per unit of normalised height; 1 if each patch has its own scale.
        image_mode: how the numbers of `image` were found: zscore, unit, tanh or imagenet.
    """

    image: dict[str, dict[str, tuple[float, float]]]
    mode: str
    offset_m: float
    scale_m: float
    image_mode: str = "zscore"

    def apply(self, layer: str, array: np.ndarray, valid: np.ndarray, missing: float = 0.0) -> np.ndarray:
        """Return the normalised image, float32 C x H x W.

        Args:
            layer: name of the layer.
            array: C x H x W, bands in the order of the statistics.
            valid: H x W bool.
            missing: value of the missing pixels.
        """
        statistics = np.array(list(self.image[layer].values()), np.float32)  # C x 2
        scaled = (array - statistics[:, 0, None, None]) / statistics[:, 1, None, None]  # C x H x W
        if self.image_mode in RANGES:
            scaled = scaled.clip(*RANGES[self.image_mode])
        return np.where(valid, scaled, np.float32(missing)).astype(np.float32)

    def normalise_patch(
        self, images: Mapping[str, np.ndarray], valids: Mapping[str, np.ndarray], optional: Container[str] = ()
    ) -> tuple[dict[str, np.ndarray], float]:
        """Return the normalised inputs of one patch, and the metres at its normalised height 0.

        Missing pixels become 0, those of optional layers NaN. The initial surface model is relative to its own mean;
        so are the heights of the patch if they are `patch_centred`.

        Args:
            images: by layer, C x H x W as stored.
            valids: by layer, H x W bool.
            optional: layers that may be missing.
        """
        blanks = {name: np.nan if name in optional else 0.0 for name in images}
        inputs = {
            name: self.apply(name, image, valids[name], blanks[name])
            for name, image in images.items()
            if name != INITIAL
        }
        if INITIAL not in images:
            return inputs, self.offset_m
        surface, valid = images[INITIAL], valids[INITIAL]  # 1 x H x W, H x W
        mean_m = float(surface[0][valid].mean(dtype=np.float64)) if valid.any() else 0.0
        relative = self.normalise_heights(np.where(valid, surface, mean_m), mean_m)
        inputs = {INITIAL: np.where(valid, relative, np.float32(blanks[INITIAL])), **inputs}
        return inputs, mean_m if self.mode == "patch_centred" else self.offset_m

    def normalise_heights(self, heights_m: np.ndarray, offset_m: float, scale_m: float | None = None) -> np.ndarray:
        """Return normalised heights, float32; NaN stays NaN. The default scale is that of all patches."""
        return ((heights_m.astype(np.float64) - offset_m) / (scale_m or self.scale_m)).astype(np.float32)

    def height_range(self, heights_m: np.ndarray, offset_m: float) -> tuple[float, float]:
        """Return the metres at the normalised height 0 and the metres per unit, in one training tile.

        Args:
            heights_m: the valid heights of the tile, any shape.
            offset_m: of its patch, see `normalise_patch`.
        """
        if self.mode != "relative" or not heights_m.size:
            return offset_m, self.scale_m
        low, high = float(heights_m.min()), float(heights_m.max())
        half = (high - low) / 2
        return (low + half, half) if half > MIN_STD else (low + 1, 1.0)  # a flat tile is -1 everywhere

    def to_metres(self, heights: np.ndarray, offset_m: np.ndarray | float) -> np.ndarray:
        """Return heights in metres from normalised ones."""
        return heights * self.scale_m + offset_m


def clip_heights(heights_m: Heights, target: str) -> Heights:
    """Return heights clipped at 0 if they are above ground, where negative ones cannot exist."""
    return heights_m.clip(min=0) if target in ABOVE_GROUND else heights_m


def fit_bands(
    images: list[np.ndarray], valids: list[np.ndarray], bands: list[str], mode: str = "zscore"
) -> dict[str, tuple[float, float]]:
    """Return the offset and divisor of the values by band, over the valid pixels.

    Args:
        images: tiles, each C x H x W.
        valids: validity of the pixels, each H x W bool.
        bands: names of the C bands.
        mode: zscore, unit, tanh or imagenet.

    Raises:
        DataError: a band is constant, so that it carries no information, or ImageNet has no such band.
    """
    pixels = np.concatenate([i[:, v] for i, v in zip(images, valids, strict=True)], axis=1)  # C x N
    statistics = {}
    for band, values in zip(bands, pixels, strict=True):
        if float(values.std(dtype=np.float64)) < MIN_STD:
            found = float(values.flat[0])
            raise DataError(f"band {band} is {found:g} in every training pixel; leave it out of the method's inputs")
        statistics[band] = _fit_band(band, values, mode)
    return statistics


def _fit_band(band: str, values: np.ndarray, mode: str) -> tuple[float, float]:
    if mode == "zscore":
        return float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    if mode == "imagenet":
        if band not in IMAGENET or values.dtype != np.uint8:
            raise DataError(
                f"band {band} ({values.dtype}) cannot be normalised like ImageNet: only 8-bit red, green and blue "
                "can; set normalisation.image: zscore"
            )
        mean, deviation = IMAGENET[band]
        return BYTE * mean, BYTE * deviation
    if mode == "unit" and values.dtype == np.uint8:
        return 0.0, BYTE
    low, high = (float(q) for q in np.quantile(values, IMAGE_QUANTILES))
    if high - low < MIN_STD:  # nearly all pixels have one value, such as saturation
        low, high = float(values.min()), float(values.max())
    return (low, high - low) if mode == "unit" else ((low + high) / 2, (high - low) / 2)


def fit_heights(heights_m: np.ndarray, mode: str) -> tuple[float, float]:
    """Return offset and scale in metres of the normalised height.

    Args:
        heights_m: valid training heights, any shape.
        mode: minmax (robust quantiles to [0, 1]), tanh (to [-1, 1]), zscore, metre (unchanged), or relative (per tile).

    Raises:
        TrainingError: the heights are constant, or there is none.
    """
    values = heights_m[np.isfinite(heights_m)].astype(np.float64)
    if mode in ("metre", "relative"):
        return 0.0, 1.0
    if not values.size:
        raise TrainingError(
            "no pixel of the training tiles has both valid inputs and a reference height; check the nodata of both"
        )
    if mode in ("minmax", "tanh"):
        low, high = (float(q) for q in np.quantile(values, HEIGHT_QUANTILES))
        offset, scale = (low, high - low) if mode == "minmax" else ((low + high) / 2, (high - low) / 2)
    else:
        offset, scale = float(values.mean()), float(values.std())
    if scale < MIN_STD:
        raise TrainingError(
            f"all training heights are {offset:g} m: there is nothing to learn; check the reference layer"
        )
    return offset, scale


def fit_patches(patches_m: Sequence[np.ndarray]) -> float:
    """Return the scale in metres of patch-centred heights: the mean over patches of each one's standard deviation.

    The flattest and the roughest twentieth of the patches are left out (ResDepth, https://arxiv.org/abs/2106.08107).

    Args:
        patches_m: the valid heights of each patch of the initial surface model, any shape.

    Raises:
        TrainingError: the heights are constant.
    """
    roughness_m = np.array([p.std(ddof=1, dtype=np.float64) for p in patches_m if p.size > 1])
    low, high = np.quantile(roughness_m, ROUGHNESS_QUANTILES) if roughness_m.size else (0.0, 0.0)
    scale_m = float(roughness_m[(roughness_m >= low) & (roughness_m <= high)].mean()) if high > MIN_STD else 0.0
    if scale_m < MIN_STD:
        raise TrainingError("the initial surface model is flat in every training tile; check the layer dsm_initial")
    return scale_m
