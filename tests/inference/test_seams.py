"""Windows leave no seam: beyond the halo of a network, their values are those of the whole image.

The halo is the reach of an output pixel: a 3 x 3 convolution at scale s (after poolings to 1 / s) reaches s px,
all on one way add up, and where the coarsest cell holds c px, a pixel may lie c - 1 px from the far side of its own. A
pixel of a window is valid if it is at least the halo away from each edge of the window that is not one of the image.
"""

from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from inference_cases import Convolutions, Renamed, as_model, noise, windows, write_image
from torch import nn

from img2height.inference import predict_raster
from img2height.inference.windows import EDGE_SHARE
from img2height.io.rasters import open_raster
from img2height.methods import build_network

TOLERANCE = 1e-5  # of the spread of the heights


@dataclass(frozen=True)
class Case:
    network: nn.Module
    multiple: int
    halo_px: int


def varied(network: nn.Module) -> nn.Module:
    """Return a network whose batch norms are not the identity."""
    generator = torch.Generator().manual_seed(5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
    return network.eval()


@cache
def case(name: str) -> Case:
    torch.manual_seed(0)
    if name == "convolutions":
        return Case(Convolutions(), 1, 3)
    if name == "unet":  # ResDepth's without its outer skip: scales 1, 2, 4 down, 8, and 4, 2, 1 up
        bands, options = {"dsm_initial": 1, "views": 1}, {"images_only": True, "outer_skip": False}
        network = build_network("resdepth", bands, {**options, "depth": 3, "start_kernel": 4})
        return Case(Renamed(varied(network), "views"), 8, 1 + 2 + 4 + 8 + 4 + 2 + 1 + 7)
    network = varied(build_network("im2height", {"eo": 1}, {}))  # scales 1, 2, 4, 8 down, 8, 4, 2, and 1 twice up
    return Case(network, 16, 1 + 2 + 4 + 8 + 8 + 4 + 2 + 1 + 1 + 15)


def heights(network: nn.Module, pixels: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        image = torch.from_numpy(pixels.astype(np.float64))[None, None]
        height = deepcopy(network).double()({"eo": image})["height"]
    return height[0, 0].numpy()


@cache
def whole(name: str, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return an image and its heights."""
    pixels = noise(side, side) / 30
    return pixels, heights(case(name).network, pixels)


@pytest.mark.parametrize(("name", "side"), [("convolutions", 96), ("unet", 160), ("im2height", 256)])
@settings(max_examples=12)
@given(data=st.data())
def test_a_window_equals_the_image_beyond_the_halo(name: str, side: int, data: st.DataObject) -> None:
    network, multiple, halo = case(name).network, case(name).multiple, case(name).halo_px
    pixels, expected = whole(name, side)  # in float64: rounding decides which of two like maxima is unpooled
    steps = side // multiple
    size = multiple * data.draw(st.integers(2 * halo // multiple + 1, steps), "size")
    row, column = (multiple * data.draw(st.integers(0, (side - size) // multiple), axis) for axis in ("row", "column"))
    found = heights(network, pixels[row : row + size, column : column + size])
    valid = tuple(slice(halo if first else 0, size - (halo if first + size < side else 0)) for first in (row, column))
    error = np.abs(found - expected[row : row + size, column : column + size])[valid]
    assert error.size
    assert error.max() < TOLERANCE * expected.std()


@pytest.mark.parametrize(("name", "sizes"), [("convolutions", (24, 64)), ("unet", (232, 256))])
@settings(max_examples=5)
@given(data=st.data())
def test_a_blend_without_the_halo_equals_the_whole_image(tmp_path_factory, name, sizes, data) -> None:
    network, multiple, halo = case(name).network, case(name).multiple, case(name).halo_px
    step = max(multiple, 16)  # the settings accept no other windows
    window_px = step * data.draw(st.integers(-(-sizes[0] // step), sizes[1] // step), "window")
    assert EDGE_SHARE * 0.5 * window_px >= halo  # the weights of a window are 0 that far from its edges
    shape = tuple(data.draw(st.integers(window_px, window_px + sizes[1]), axis) for axis in ("rows", "columns"))
    pixels = noise(*shape) / 30
    beyond = [(0, -side % multiple) for side in shape]
    expected = heights(network, np.pad(pixels, beyond, "reflect"))[: shape[0], : shape[1]]
    folder = tmp_path_factory.mktemp("blend")
    found = predicted(network, pixels, folder, multiple, window_px)
    assert np.abs(found - expected).max() < TOLERANCE * expected.std()


def predicted(network: nn.Module, pixels: np.ndarray, folder: Path, multiple: int, window_px: int) -> np.ndarray:
    eo = write_image(folder / "eo.tif", pixels)
    predict_raster(
        as_model(network, tile_multiple=multiple), {"eo": eo}, folder / "out.tif", windows(window_px=window_px)
    )
    with open_raster(folder / "out.tif") as raster:
        return raster.read(1)
