"""Precision, memory layout and batch of the network."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from inference_cases import Convolutions, FirstBand, as_model, noise, windows, write_image
from torch import nn

from img2height.cpu import computes_in_bfloat16
from img2height.inference import predict_raster
from img2height.inference.engines.eager import SIZES, fastest_batch
from img2height.inference.network import Network
from img2height.methods import DEFAULT, Layout, layout_of, networks


def predicted(folder: Path, network: nn.Module, engine: str, **options: object) -> np.ndarray:
    eo = write_image(folder / "eo.tif", noise(100, 150))
    settings = windows(window_px=32, engine=engine)
    predict_raster(as_model(network), {"eo": eo}, folder / "out.tif", settings, **options)
    with rasterio.open(folder / "out.tif") as raster:
        return raster.read(1)


@pytest.mark.skipif(not computes_in_bfloat16(), reason="the processor does not compute in bfloat16")
def test_results_of_bfloat16_are_not_rounded_again(tmp_path: Path) -> None:
    """The input bypasses the network and keeps all its digits."""
    assert (predicted(tmp_path, FirstBand(), "bfloat16") == noise(100, 150)).all()


def test_every_network_declares_a_layout() -> None:
    layouts = {name: layout_of(name) for name in networks()}
    assert layouts["unet"] == DEFAULT
    assert layouts["eigen"] == Layout(channels_last=True, batch=8)
    assert all(isinstance(layout, Layout) and layout.batch > 0 for layout in layouts.values())


@pytest.mark.parametrize(("network", "batch"), [("constant", 1), ("cgan", 8)])
def test_the_layout_of_a_cpu_is_the_declared_one_unless_a_number_is_given(network: str, batch: int) -> None:
    model = as_model(Convolutions(), network=network)
    assert Network(model, "cpu", windows()).batch_size == batch
    assert Network(model, "cpu", windows(batch_size=3)).batch_size == 3
    weight = model.network.net[2].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_the_batch_with_the_highest_throughput_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    tried, now_s = [], 0.0

    def forward(size: int) -> None:
        nonlocal now_s
        tried.append(size)
        if size == 16:
            raise torch.OutOfMemoryError("CUDA out of memory")
        now_s += 0.02 if size <= 4 else 0.01 * size

    monkeypatch.setattr("img2height.inference.engines.eager.time.perf_counter", lambda: now_s)
    assert fastest_batch(forward) == 4
    assert sorted(set(tried)) == [1, 2, 4, 8, 16]
    assert SIZES[-1] == 32


def test_a_network_that_does_not_fit_at_all_is_an_error() -> None:
    def forward(size: int) -> None:
        raise torch.OutOfMemoryError(f"CUDA out of memory with {size}")

    with pytest.raises(torch.OutOfMemoryError, match="with 1"):
        fastest_batch(forward)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_predicts_the_heights_of_the_cpu(tmp_path: Path) -> None:
    found = [predicted(tmp_path, Convolutions(), "exact", devices=[device]) for device in ("cpu", "cuda")]
    assert np.abs(found[0] - found[1]).max() < 0.05
