"""Networks with known outputs and images with true CRS."""

import hashlib
import os
import signal
from pathlib import Path

import numpy as np
import torch
from affine import Affine
from model_cases import card_of, sealed
from rasterio.crs import CRS
from torch import Tensor, nn

from img2height.io.grid import Grid
from img2height.io.rasters import Band, write_cog
from img2height.models.folder import LoadedModel
from img2height.samples.normalise import Normalisation
from img2height.settings.protocol import Inference

RECIPE = {
    "title": "test",
    "network": "constant",
    "inputs": {"eo": ["red"]},
    "target": "dsm",
    "normalisation": {"image": "zscore", "height": "metre"},
    "loss": [{"name": "l1"}],
    "optimizer": {"name": "adam", "lr": 1.0},
    "schedule": {"name": "constant"},
    "batch_size": 1,
    "augmentation": {},
}


class FirstBand(nn.Module):
    """The identity on the first band; remembers how many windows it saw."""

    def __init__(self):
        super().__init__()
        self.windows = 0

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        self.windows += len(inputs["eo"])
        return {"height": inputs["eo"][:, :1]}


class Convolutions(nn.Module):
    """Three 3 x 3 convolutions: a pixel depends on three pixels around it."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        layers = [nn.Conv2d(i, o, 3, padding=1) for i, o in ((1, 8), (8, 8), (8, 1))]
        self.net = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"height": self.net(inputs["eo"])}


def as_model(network: nn.Module, /, *, dtype: str = "float32", scale: float = 1.0, **recipe: object) -> LoadedModel:
    """Return a model trained at 0.5 m, whose inputs are divided by a scale; its card has the digest of the weights."""
    bands = {**RECIPE, **recipe}["inputs"]["eo"]
    normalisation = Normalisation({"eo": dict.fromkeys(bands, (0.0, scale))}, "metre", 0.0, 1.0)
    weights = b"".join(value.numpy().tobytes() for value in network.state_dict().values())
    card = card_of({**RECIPE, **recipe}, normalisation, method=type(network).__name__, dtypes={"eo": dtype})
    return LoadedModel(network.eval(), sealed(card, hashlib.sha256(weights).hexdigest()))


def with_card(model: LoadedModel, **changes: object) -> LoadedModel:
    """Return a model with changes of its card."""
    return LoadedModel(model.network, model.card.model_copy(update=changes))


def windows(window_px: int = 64, overlap: float = 0.5, **settings: object) -> Inference:
    """Return settings of a prediction."""
    return Inference(window_px=window_px, overlap=overlap, **settings)


def write_image(
    path: Path, array: np.ndarray, *, valid: np.ndarray | None = None, bands: tuple[str, ...] = ("red",),
    epsg: int = 32633, gsd: float = 0.5, corner: tuple[float, float] = (500_000, 5_800_000), unit: str = "",
    nodata: float | None = None,
) -> Path:  # fmt: skip
    """Write an image, H x W or C x H x W, and return its path."""
    grid = Grid(CRS.from_epsg(epsg), Affine(gsd, 0, corner[0], 0, -gsd, corner[1]), array.shape[-1], array.shape[-2])
    write_cog(path, array, grid, [Band(band, unit) for band in bands], valid=valid, nodata=nodata)
    return path


def noise(height: int, width: int) -> np.ndarray:
    """Return a random float32 image, H x W, with negative and tiny values."""
    return np.random.default_rng([height, width]).normal(0, 30, (height, width)).astype(np.float32)


class Renamed(nn.Module):
    """Calls a network with another layer: its input `layer` is `eo` here."""

    def __init__(self, network: nn.Module, layer: str):
        super().__init__()
        self.network, self.layer = network, layer

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return self.network({self.layer: inputs["eo"]})


class Stops(Convolutions):
    """Ends the program, as a signal does, before this number of windows; never without a number."""

    def __init__(self, after: int | None = None):
        super().__init__()
        self.after, self.windows = after, 0

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        if self.windows == self.after:
            raise SystemExit(143)
        self.windows += len(inputs["eo"])
        return super().forward(inputs)


class Killed(Convolutions):
    """Is killed by the system before this number of windows."""

    def __init__(self, after: int):
        super().__init__()
        self.left = after

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        self.left -= len(inputs["eo"])
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(inputs)


class TooLarge(nn.Module):
    """Runs out of memory."""

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        raise torch.OutOfMemoryError("tried to allocate 80 GiB")


class Diverged(nn.Module):
    """Returns NaN."""

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"height": inputs["eo"] / 0}
