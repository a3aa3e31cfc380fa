"""Converts the files of the authors' ResDepth code to a model folder: weights, architecture, normalisation.

https://github.com/stuckerc/ResDepth; the files are read without executing anything in them.
"""

import math
import re
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from img2height.errors import DataError, ModelError, SettingsError
from img2height.io.atomic import atomic_folder, file_digest
from img2height.io.tables import read_json
from img2height.methods import batchnorm_buffers, build_network, recipes_folder, trainable_parameters
from img2height.models.card import CARD, Budget, Card, TrainedOn
from img2height.models.folder import LAST, WEIGHTS, save_model
from img2height.models.plain_pickle import BROKEN, STAND_INS, read_plain_pickle
from img2height.provenance.versions import versions
from img2height.samples.normalise import Normalisation
from img2height.settings.base import Settings
from img2height.settings.parsing import parse
from img2height.settings.project import load_recipe
from img2height.settings.recipe import Recipe
from img2height.vocabulary.layers import VIEWS

METHODS = {
    "geom": "resdepth_0", "geom-mono": "resdepth_mono", "geom-stereo": "resdepth_stereo",
    "stereo": "resdepth_stereo_only",
}  # fmt: skip
TILE_PX = 256  # their default; not stated in the files
Activation = Literal["relu", "lrelu", "prelu"]


class Architecture(Settings):
    """The network, with the keys of the authors' model_config.json."""

    n_input_channels: int
    start_kernel: int = Field(gt=0)
    depth: int = Field(gt=0)
    act_fn_encoder: Activation
    act_fn_decoder: Activation
    act_fn_bottleneck: Activation
    up_mode: Literal["transpose", "bilinear"]
    do_BN: bool
    outer_skip: bool
    outer_skip_BN: bool
    bias_conv_layer: bool

    def options(self) -> dict[str, bool | int | str]:
        """Return the same as options of `img2height.methods.resdepth`."""
        return {
            "depth": self.depth,
            "start_kernel": self.start_kernel,
            "outer_skip": self.outer_skip,
            "outer_skip_bn": self.outer_skip_BN,
            "up_mode": self.up_mode,
            "activation_encoder": self.act_fn_encoder,
            "activation_decoder": self.act_fn_decoder,
            "activation_bottleneck": self.act_fn_bottleneck,
            "batch_norm": self.do_BN,
            "bias_last": self.bias_conv_layer,
        }


class ModelConfig(Settings):
    """The authors' model_config.json."""

    name: Literal["UNet"]
    input_channels: Literal["geom", "geom-mono", "geom-stereo", "stereo"]
    settings: Architecture


def import_resdepth(
    checkpoint: Path, model_config: Path, normalization: list[Path], out: Path, *, gsd_m: float
) -> None:
    """Write a model folder that predicts the same as the authors' code does with these files.

    Args:
        checkpoint: their .pth file.
        model_config: their model_config.json.
        normalization: their DSM_normalization_parameters.p, then, with images, Image_normalization_parameters.p.
        out: the model folder.
        gsd_m: pixel size of the training rasters, in metres.

    Raises:
        ModelError: a file is invalid, or the files do not belong together.
        SettingsError: the configuration has an unknown key or value.
        DataError: `out` is a file, or a folder that contains anything but a model.
    """
    _require_free(out)
    if not (math.isfinite(gsd_m) and gsd_m > 0):
        raise SettingsError(f"gsd_m is {gsd_m:g}; give the pixel size of the training rasters in metres")
    config = _config(model_config)
    method = METHODS[config.input_channels]
    recipe = _recipe(config, method)
    network = _network(config, recipe, model_config)
    _fill(network, checkpoint)
    card = Card(
        method=method,
        recipe=recipe,
        normalisation=_normalisation(recipe, normalization),
        gsd_m=gsd_m,
        dtypes=dict.fromkeys(recipe.inputs),  # not stated: any type is accepted, but values must be like theirs
        tile_px=TILE_PX,
        training=Budget(threads=1),
        trained_on=TrainedOn(areas=[], before=[], unrecorded=[f"weights imported from {checkpoint.name}"]),
        trainable_parameters=trainable_parameters(network),
        batchnorm_buffers=batchnorm_buffers(network),
        imported_from={path.name: file_digest(path) for path in (checkpoint, model_config, *normalization)},
        versions=versions(),
    )
    with atomic_folder(out) as folder:
        save_model(folder, network, network.state_dict(), card)


def _require_free(out: Path) -> None:
    """Raise a DataError if writing the model folder would remove somebody else's files."""
    if out.is_dir() and not (others := {path.name for path in out.iterdir()} - {WEIGHTS, LAST, CARD}):
        return
    if out.exists():
        found = f"a folder that also contains {', '.join(sorted(others)[:3])}" if out.is_dir() else "a file"
        raise DataError(f"{out}: is {found}; name a folder that does not exist, is empty, or is an imported model")


def _config(path: Path) -> ModelConfig:
    try:
        value = read_json(path)
    except DataError as error:
        raise ModelError(f"{error}; give checkpoint, model_config.json, normalisation in this order") from error
    return parse(ModelConfig, value, str(path))


def _recipe(config: ModelConfig, method: str) -> Recipe:
    changes = {"options": config.settings.options(), "tile_multiple": 2**config.settings.depth}
    return load_recipe(recipes_folder(), method, changes)


def _network(config: ModelConfig, recipe: Recipe, model_config: Path) -> nn.Module:
    network = build_network(recipe.network, {n: len(bands) for n, bands in recipe.inputs.items()}, recipe.options)
    expected = next(network.parameters()).shape[1]  # the weight of the first convolution is out x in x 3 x 3
    if config.settings.n_input_channels != expected:
        raise ModelError(
            f"{model_config}: n_input_channels is {config.settings.n_input_channels}, but input_channels "
            f"{config.input_channels!r} are {expected}; use the file that was written with the checkpoint"
        )
    return network


def _fill(network: nn.Module, checkpoint: Path) -> None:
    try:
        network.load_state_dict(_weights(checkpoint), strict=True)
    except RuntimeError as error:
        what = " ".join(str(error).split())[:300]
        raise ModelError(f"{checkpoint}: does not fit model_config.json ({what}); use files of one training") from error


def _weights(checkpoint: Path) -> dict[str, Tensor]:
    """Return the weights of a checkpoint; its losses may be NumPy floats."""
    if not checkpoint.is_file():
        raise ModelError(f"{checkpoint}: this file does not exist")
    try:
        with torch.serialization.safe_globals([(stand_in, name) for name, stand_in in STAND_INS.items()]):
            loaded = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except BROKEN as error:
        named = re.search(r"GLOBAL (\S+)", str(error))  # the rest of torch's message advises to execute the file
        what = f"it asks for {named[1]}" if named else "it is truncated, or a file of another kind"
        raise ModelError(f"{checkpoint}: not a checkpoint of plain tensors: {what}; none of it was executed") from error
    weights = loaded.get("model_state_dict") if isinstance(loaded, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise ModelError(f"{checkpoint}: has no model_state_dict; use a .pth file written by ResDepth's train.py")
    return weights


def _normalisation(recipe: Recipe, files: list[Path]) -> Normalisation:
    views = recipe.inputs.get(VIEWS, [])
    if len(files) != 1 + bool(views):
        needed = "one of the DSM and one of the images" if views else "only that of the DSM"
        raise ModelError(f"{len(files)} normalisation files were given; this model needs {needed}")
    surface_mean, scale_m = _statistics(files[0])
    if surface_mean is not None:
        raise ModelError(f"{files[0]}: mean is {surface_mean:g}, but a DSM has none; give the file of the DSM first")
    if not views:
        return Normalisation({}, "patch_centred", 0.0, scale_m)
    mean, std = _statistics(files[1])
    if mean is None:
        raise ModelError(f"{files[1]}: has no mean, but images have one; give the file of the images second")
    return Normalisation({VIEWS: dict.fromkeys(views, (mean, std))}, "patch_centred", 0.0, scale_m)


def _statistics(path: Path) -> tuple[float | None, float]:
    value = read_plain_pickle(path)
    if not isinstance(value, dict) or set(value) != {"mean", "std"}:
        raise ModelError(f"{path}: not a normalisation file with mean and std; use one written by train.py")
    mean, std = value["mean"], value["std"]
    if not _is_number(std) or std <= 0 or not (mean is None or _is_number(mean)):
        raise ModelError(f"{path}: mean must be a number or None and std a number above 0, found {mean!r} and {std!r}")
    return None if mean is None else float(mean), float(std)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
