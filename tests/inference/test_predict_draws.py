"""Mean and spread of several draws, through the windows of a raster."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from inference_cases import as_model, noise, windows, write_image
from torch import Tensor, nn

from img2height.errors import ModelError
from img2height.inference import predict_raster


class Dropped(nn.Module):
    """The input, or with dropout 0 in one of four draws."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Dropout(0.25)

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"height": inputs["eo"] * self.scale(torch.ones(1, 1, 1, 1))}


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as raster:
        assert raster.descriptions[-1] == "height_spread"
        assert raster.units == ("metre", "metre")
        return raster.read()


def test_the_spread_is_that_of_the_draws_and_the_same_seed_gives_the_same(tmp_path: Path) -> None:
    image = {"eo": write_image(tmp_path / "eo.tif", np.abs(noise(40, 50)) + 1)}
    outs = [tmp_path / f"{n}.tif" for n in range(3)]
    for out, seed in zip(outs, (0, 0, 1), strict=True):
        predict_raster(as_model(Dropped()), image, out, windows(window_px=32, overlap=0), draws=64, seed=seed)
    first, again, other = (read(out) for out in outs)
    assert (first == again).all()
    assert not np.array_equal(first, other)
    # A pixel is x / 0.75 with probability 0.75, else 0: mean x, deviation x * sqrt(1 / 3).
    ratio = first[1] / np.maximum(first[0], 1e-6)
    assert np.median(ratio) == pytest.approx(3**-0.5, rel=0.3)


def test_a_network_without_dropout_has_no_spread(tmp_path: Path) -> None:
    image = {"eo": write_image(tmp_path / "eo.tif", noise(32, 32))}
    with pytest.raises(ModelError, match="dropout"):
        predict_raster(as_model(nn.Identity()), image, tmp_path / "out.tif", windows(window_px=32), draws=4)
