"""Weights of a pretrained encoder: from the library that publishes them, or from a file."""

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from img2height.errors import SettingsError

Weights = dict[str, Tensor]

NONE, IMAGENET = "none", "imagenet"
FETCH = {"progress": False, "check_hash": True, "weights_only": True}  # how torchvision's weights are asked for
COUNTER = "num_batches_tracked"  # older files have none, and no forward pass reads it
# The last is torch's answer to a file that asks for more than tensors; such a file is not run.
BROKEN = (RuntimeError, EOFError, ValueError, KeyError, SafetensorError, torch.serialization.pickle.UnpicklingError)


def load_encoder_weights(encoder: nn.Module, weights: str, fetch: Callable[[], Weights], source: str) -> None:
    """Fill an encoder with pretrained weights.

    Args:
        encoder: the layers to fill, with the library's names; further weights, such as a classifier's, are passed over.
        weights: `none` leaves the encoder as it is, `imagenet` fetches, all else is the path of a safetensors or torch
            file.
        fetch: returns the library's weights, which takes a network where they were not fetched before.
        source: where `fetch` finds them, for the error.

    Raises:
        SettingsError: the weights cannot be had, or are not those of this encoder.
    """
    if weights == NONE or next(encoder.parameters()).is_meta:  # without memory, shapes alone are asked for
        return
    found = _fetch(fetch, source) if weights == IMAGENET else _read(Path(weights))
    wanted = encoder.state_dict()
    for name, value in wanted.items():
        if name not in found and not name.endswith(COUNTER):
            raise SettingsError(f"weights {weights}: lack {name}; give a file of this encoder, e.g. {source}")
        if name in found and found[name].shape != value.shape:
            raise SettingsError(
                f"weights {weights}: {name} has the shape {list(found[name].shape)}, the network {list(value.shape)}; "
                "give a file of this encoder, and inputs of as many bands (ImageNet's are red, green and blue)"
            )
    encoder.load_state_dict({name: found.get(name, value) for name, value in wanted.items()})


def is_frozen(weights: str, freeze_encoder: bool | str) -> bool:
    """Return whether the encoder is kept as it is: `auto` keeps it where weights were given.

    Raises:
        SettingsError: freeze_encoder is something else than auto, true or false.
    """
    if freeze_encoder == "auto":
        return weights != NONE
    if not isinstance(freeze_encoder, bool):
        raise SettingsError(f"freeze_encoder is {freeze_encoder!r}; known: auto, true, false")
    return freeze_encoder


def _fetch(fetch: Callable[[], Weights], source: str) -> Weights:
    try:
        return fetch()
    except (OSError, *BROKEN) as error:  # no network, or a file that was cut off on its way
        raise SettingsError(
            f"weights imagenet: {source} could not be fetched ({error}); fetch it on a machine with a network and set "
            "weights: <path of the file> in the options of the method, or train from scratch with weights: none"
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
            f"weights {path}: is no file of plain tensors, or is cut off; nothing of it was run. Give a safetensors "
            "file, or what torch.save wrote of a state_dict"
        ) from error
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise SettingsError(f"weights {path}: holds no state_dict; save the weights alone, name by name")
    return found
