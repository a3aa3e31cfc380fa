"""The methods: one file per published network in this folder, one recipe per method in config/methods.

A network file has a function `build(bands, **options)` that returns a plain `nn.Module` whose `forward` takes the
normalised inputs by layer and returns `{"height": B x 1 x H x W}` in the method's normalised unit. The folder is the
registry: adding a file and a recipe adds a method. `LAYOUT` in a file declares the fastest memory layout on a CPU.
Files that start with an underscore hold shared blocks. Networks and recipes of other installed packages are found too,
see `settings/installed.py`.
"""

import importlib
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

import img2height.torchvision_ops  # noqa: F401  (before any network that imports torchvision)
from img2height.errors import SettingsError
from img2height.io.origins import PretrainedEncoder
from img2height.methods._layout import DEFAULT, Layout
from img2height.methods._weights import NONE, origin_of
from img2height.settings.installed import network_modules, settings_files
from img2height.settings.project import load_recipe

PACKAGE = Path(__file__).parents[1]


def networks() -> list[str]:
    """Return the names of all networks."""
    return sorted(network_modules())


def build_network(network: str, bands: dict[str, int], options: dict[str, Any]) -> nn.Module:
    """Return a network with untrained weights.

    Args:
        network: see `networks`.
        bands: number of bands by input layer, e.g. `{"eo": 3}`.
        options: options of that network.

    Raises:
        SettingsError: there is no such network, or it has no such option.
    """
    module = _module_of(network)
    try:
        return module.build(bands, **options)
    except TypeError as error:
        raise SettingsError(f"network {network} cannot be built with {options}: {error}") from error


def pretrained_from(network: str, options: dict[str, Any]) -> PretrainedEncoder | None:
    """Return where the weights of a network's encoder come from; None if all of them are random.

    Args:
        network: see `networks`; its options `weights` and `encoder`, or the constant `ENCODER` of its file, say it.
        options: options of that network.

    Raises:
        SettingsError: there is no such network, or the weights cannot be found.
    """
    module = _module_of(network)
    defaults = {name: option.default for name, option in inspect.signature(module.build).parameters.items()}
    chosen = {"weights": NONE, "encoder": getattr(module, "ENCODER", "")} | defaults | options
    return origin_of(chosen["encoder"], chosen["weights"]) if chosen["encoder"] else None


def require_optional(network: str, optional: Sequence[str]) -> None:
    """Raise a SettingsError if a network cannot do without the inputs that a recipe calls optional.

    Args:
        network: see `networks`; the constant `TAKES_MISSING` of its file says that it can.
        optional: layers that may be absent, or NaN in part.
    """
    if optional and not getattr(_module_of(network), "TAKES_MISSING", False):
        able = [name for name in networks() if getattr(_module_of(name), "TAKES_MISSING", False)]
        raise SettingsError(
            f"network {network} needs all of its inputs: remove optional ({', '.join(optional)}) from the recipe, or "
            f"use one of {', '.join(able)}"
        )


def _module_of(network: str) -> Any:
    if network not in networks():
        raise SettingsError(
            f"there is no network {network!r}; install the package that has it, or use one of {', '.join(networks())}"
        )
    return importlib.import_module(network_modules()[network])


def trainable_parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters; baselines have none."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def batchnorm_buffers(network: nn.Module) -> int:
    """Return the number of running means and variances, which are learnt without a gradient."""
    return sum(b.numel() for name, b in network.named_buffers() if name.endswith(("_mean", "_var")))


def layout_of(network: str) -> Layout:
    """Return the layout with which a network runs fastest on a CPU: `LAYOUT` of its file, else `DEFAULT`.

    Args:
        network: see `networks`.
    """
    return getattr(importlib.import_module(network_modules()[network]), "LAYOUT", DEFAULT)


def recipes_folder() -> Path:
    """Return the folder of recipes: config/methods here, else that of the wheel or of the source checkout."""
    roots = (Path(), PACKAGE, PACKAGE.parents[1])
    return next(folder for root in roots if (folder := root / "config" / "methods").is_dir())


def names() -> list[str]:
    """Return the names of all methods, one per recipe."""
    return sorted(settings_files(recipes_folder(), "recipes"))


def build(name: str, **options: bool | int | float | str | None) -> nn.Module:
    """Return the network of a method with untrained weights.

    Args:
        name: a method, see `names`.
        options: override those of the recipe.
    """
    recipe = load_recipe(recipes_folder(), name)
    bands = {layer: len(bands) for layer, bands in recipe.inputs.items()}
    return build_network(recipe.network, bands, {**recipe.options, **options})
