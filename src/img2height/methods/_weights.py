"""Weights of a pretrained encoder, from the library that publishes them or from a file."""

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from img2height.errors import SettingsError

Weights = dict[str, Tensor]

NONE, IMAGENET = "none", "imagenet"
FETCH = {"progress": False, "check_hash": True, "weights_only": True}  # arguments for torchvision's weights
COUNTER = "num_batches_tracked"  # older files do not have it, and no forward pass reads it
# The last is torch's error for a file that contains more than tensors, which is not executed; torch does not export it.
BROKEN = (RuntimeError, EOFError, ValueError, KeyError, SafetensorError, torch.serialization.pickle.UnpicklingError)  # type: ignore[attr-defined]


def load_encoder_weights(encoder: nn.Module, weights: str, fetch: Callable[[], Weights], source: str) -> None:
    """Load pretrained weights into an encoder.

    Args:
        encoder: the layers to fill, with the library's names; further weights, such as a classifier's, are ignored.
        weights: `none` leaves the encoder unchanged, `imagenet` downloads weights, anything else is the path of a
            safetensors or torch file.
        fetch: returns the library's weights, which needs a network unless they are cached.
        source: where `fetch` finds them, for the error message.

    Raises:
        SettingsError: the weights cannot be loaded, or belong to another encoder.
    """
    if weights == NONE or next(encoder.parameters()).is_meta:  # meta device: only shapes are needed
        return
    found = _fetch(fetch, source) if weights == IMAGENET else _read(Path(weights))
    wanted = encoder.state_dict()
    for name, value in wanted.items():
        if name not in found and not name.endswith(COUNTER):
            raise SettingsError(f"weights {weights}: {name} is missing; use a file of this encoder, e.g. {source}")
        if name in found and found[name].shape != value.shape:
            raise SettingsError(
                f"weights {weights}: {name} has the shape {list(found[name].shape)}, the network {list(value.shape)}; "
                "use a file of this encoder and inputs with the same number of bands (ImageNet has red, green and blue)"
            )
    encoder.load_state_dict({name: found.get(name, value) for name, value in wanted.items()})


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


def _fetch(fetch: Callable[[], Weights], source: str) -> Weights:
    try:
        return fetch()
    except (OSError, *BROKEN) as error:  # no network, or a truncated download
        raise SettingsError(
            f"weights imagenet: {source} could not be downloaded ({error}); download it elsewhere and "
            "set weights: <path of the file> in the options of the method, or train from scratch with weights: none"
        ) from error


def _read(path: Path) -> Weights:
    if not path.is_file():
        raise SettingsError(f"weights {path}: this file does not exist; give its path, imagenet or none")
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
