"""Networks with whole numbers of 8 bits: the limits come from training windows and are kept in the model folder."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
import torch
from inference_cases import as_model, noise, windows
from reduced_methods import model_of
from torch import Tensor, nn
from torch.nn import functional

from img2height.errors import DataError, ModelError
from img2height.inference import quantise as module
from img2height.inference.engines import OPENVINO_INT8, choose
from img2height.inference.engines.choose import choose_engine
from img2height.inference.engines.convert import network_graph
from img2height.inference.engines.int8 import add_roundings, read_int8, roundings_of, write_int8
from img2height.inference.engines.openvino import OpenVino, compiled, core
from img2height.inference.measure import measure_engines
from img2height.inference.quantise import outermost, quantise, quantised
from img2height.io.rasters import Band, open_raster, read_heights, write_cog
from img2height.models.engines import ENGINES, INT8, MeasuredEngines, read_engines, write_engines
from img2height.models.folder import LoadedModel
from img2height.scenes.scene import Scene, SceneLayer

SIDE = 32
INPUTS = [{"eo": noise(SIDE, SIDE)[None, None] * factor} for factor in (0.01, 0.02, 0.03)]


def require_nncf() -> None:
    """Skip a test where NNCF is missing, without importing it, which would report to its makers."""
    if find_spec("nncf") is None:
        pytest.skip("nncf is not installed")


class Refines(nn.Module):
    """Adds to the first band what four convolutions find; the two in the middle are inner layers."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1) for i, o in ((1, 8), (8, 8), (8, 8), (8, 1)))

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        x = inputs["eo"][:, :1]
        for layer in self.layers[:-1]:
            x = functional.relu(layer(x))
        return {"height": inputs["eo"][:, :1] + self.layers[-1](x)}


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def graphs(own_cache: None) -> tuple[Any, Any]:
    """The quantised network and the plain one."""
    require_nncf()
    plain = core().read_model(network_graph(as_model(Refines()), SIDE))
    return quantised(plain, INPUTS), plain


@pytest.fixture
def model(graphs: tuple[Any, Any], tmp_path: Path) -> LoadedModel:
    """The model in a folder with its limits."""
    found = replace(as_model(Refines()), folder=tmp_path)
    write_int8(roundings_of(*graphs), found.card.weights_sha256, tmp_path / INT8)
    return found


def outputs(network: Any) -> np.ndarray:
    return np.stack([network(each)["height"] for each in INPUTS])


def test_the_limits_make_the_quantised_network_from_the_weights(graphs: tuple[Any, Any], model: LoadedModel) -> None:
    found = outputs(OpenVino(model, windows(window_px=SIDE, engine=OPENVINO_INT8)))
    assert (found == outputs(compiled(graphs[0], bfloat16=choose.computes_in_bfloat16()))).all()
    exact = outputs(OpenVino(model, windows(window_px=SIDE, engine="openvino")))
    assert 0 < np.abs(found - exact).mean() <= np.ptp(exact) / 256


def test_the_same_windows_give_the_same_file(model: LoadedModel, tmp_path: Path) -> None:
    plain = core().read_model(network_graph(model, SIDE))
    write_int8(roundings_of(quantised(plain, INPUTS), plain), model.card.weights_sha256, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / INT8).read_bytes()


def test_heights_that_pass_through_and_outer_layers_are_not_rounded(graphs: tuple[Any, Any]) -> None:
    plain, outer = graphs[1], outermost(graphs[1])
    order = [(each.get_friendly_name(), each.get_type_name()) for each in plain.get_ordered_ops()]
    layers = [name for name, kind in order if kind == "Convolution"]
    assert [name in outer for name in layers] == [True, False, False, True]
    rounded = {order[reader.place][0] for each in roundings_of(*graphs) for reader in each.readers}
    assert set(layers[1:3]) <= rounded
    assert not rounded & outer


def test_another_side_of_windows_has_the_same_operations(model: LoadedModel) -> None:
    orders = [core().read_model(network_graph(model, side)).get_ordered_ops() for side in (SIDE, 2 * SIDE)]
    assert len({tuple(each.get_type_name() for each in order) for order in orders}) == 1


def test_limits_of_other_weights_or_operations_are_refused(model: LoadedModel, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="belongs to other weights"):
        read_int8(tmp_path / INT8, "f" * 64)
    (first, *others) = read_int8(tmp_path / INT8, model.card.weights_sha256)
    moved = first._replace(readers=[first.readers[0]._replace(place=0)])
    with pytest.raises(ModelError, match="has other operations than the one that was quantised"):
        add_roundings(core().read_model(network_graph(model, SIDE)), [moved, *others])
    (tmp_path / INT8).write_bytes(b"{}")
    with pytest.raises(ModelError, match="has no limits of 8 bits"):
        read_int8(tmp_path / INT8, model.card.weights_sha256)


def areas() -> geopandas.GeoDataFrame:
    """Return the west of the district as training area, the east as validation area."""
    row = {"fold": 0, "dataset": "demo", "scene": "district"}
    parts = {"train": shapely.box(0, 0, 128, 256), "val": shapely.box(128, 0, 256, 256)}
    return geopandas.GeoDataFrame([row | {"part": part} for part in parts], geometry=list(parts.values()))


class Passes(nn.Module):
    """Returns the first band through three convolutions, of which the inner one decides the heights."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(*(nn.Conv2d(1, 1, 1, bias=False) for _ in range(3)))
        for parameter in self.parameters():
            nn.init.ones_(parameter)

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"height": self.layers(inputs["eo"][:, :1])}


@pytest.fixture
def scene(district: Scene, tmp_path: Path) -> Scene:
    """The district with an image that is its reference with errors of 0.02 m."""
    with open_raster(district.path("ndsm")) as reference:
        truth = read_heights(reference)
    image = (truth + np.random.default_rng(0).normal(0, 0.02, truth.shape)).astype(np.float32)
    write_cog(tmp_path / "eo.tif", image[None], district.grid, [Band("red")])
    layer = replace(SceneLayer.of(tmp_path / "eo.tif", ["red"]), file=str(tmp_path / "eo.tif"))
    return replace(district, layers={**district.layers, "eo": layer})


@pytest.fixture
def measured(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], tuple[LoadedModel, MeasuredEngines]]:
    """Return a function that measures a model in a folder and returns both, as on a processor with VNNI."""
    monkeypatch.setattr(choose, "multiplies_int8", lambda: True)

    def measure() -> tuple[LoadedModel, MeasuredEngines]:
        model = replace(as_model(Passes(), target="ndsm"), folder=tmp_path)
        quantise(model, [scene], areas(), 0, SIDE)
        found = measure_engines(model, [scene], areas(), 0, windows(window_px=SIDE))
        write_engines(found, tmp_path / ENGINES)
        return model, found

    return measure


def test_a_model_that_8_bits_spoil_is_refused(measured: Callable[..., Any], tmp_path: Path) -> None:
    """256 levels of heights up to 20 m have errors of 0.02 m, as large as those of the model."""
    require_nncf()
    model, found = measured()
    assert found.engines[OPENVINO_INT8].rmse.value > 0.1
    assert any("RMSE may be" in reason for reason in found.engines[OPENVINO_INT8].refused)
    assert choose_engine(model, "auto", "cpu") == "openvino"  # bfloat16 has the same fate


def test_an_altered_or_missing_file_is_refused(measured: Callable[..., Any], tmp_path: Path) -> None:
    require_nncf()
    model, _ = measured()
    content = bytearray((tmp_path / INT8).read_bytes())
    content[-1] ^= 1
    (tmp_path / INT8).write_bytes(content)
    for engine in ("auto", OPENVINO_INT8, "openvino"):
        with pytest.raises(DataError, match=rf"{INT8}: was altered"):
            choose_engine(model, engine, "cpu")
    (tmp_path / INT8).unlink()
    with pytest.raises(DataError, match=rf"{INT8}: is missing"):
        read_engines(tmp_path, model.card.weights_sha256)


def test_without_nncf_the_other_engines_are_measured_as_before(
    measured: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "PACKAGE", "no_such_package")
    (tmp_path / INT8).write_bytes(b"of an earlier run")
    with caplog.at_level(logging.INFO, "img2height"):
        model, found = measured()
    assert OPENVINO_INT8 not in found.engines and found.int8_sha256 is None
    assert not (tmp_path / INT8).exists()
    assert "openvino_int8 is not measured: it needs no_such_package" in caplog.text
    with pytest.raises(ModelError, match=r"engine openvino_int8: the model has no measured int8\.safetensors"):
        choose_engine(model, OPENVINO_INT8, "cpu")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["im2height", "omniheight", "resdepth_stereo", "unet", "upernet"])
def test_the_limits_make_the_quantised_network_of_a_method(method: str, tmp_path: Path) -> None:
    """Skips, unpooling, transposed convolutions, inputs that may be missing."""
    require_nncf()
    torch.manual_seed(0)
    model, rng = replace(model_of(method), folder=tmp_path), np.random.default_rng(0)
    given = [{n: rng.normal(size=(1, len(b), 64, 64)).astype("f4") for n, b in model.inputs.items()} for _ in range(2)]
    plain = core().read_model(network_graph(model, 64))
    graph = quantised(plain, given)
    write_int8(roundings_of(graph, plain), model.card.weights_sha256, tmp_path / INT8)
    network, settings = compiled(graph, bfloat16=choose.computes_in_bfloat16()), windows(engine=OPENVINO_INT8)
    used = {name for port in network.inputs for name in port.get_names()}
    for inputs in given:
        found = OpenVino(model, settings)(inputs)
        expected = network({name: x for name, x in inputs.items() if name in used})
        for name in model.recipe.outputs:
            assert (found[name] == expected[name]).all()


@pytest.mark.slow
def test_quantising_reports_to_nobody(tmp_path: Path) -> None:
    """OpenVINO and NNCF report their use to their makers, and leave an identifier of the user in the home."""
    require_nncf()
    code = "import sys; from img2height.inference.quantise import _nncf, core; core(); _nncf(); print(*sys.modules)"
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert not [name for name in done.stdout.split() if name.startswith("openvino_telemetry.")]
    assert not [path for path in tmp_path.rglob("*") if "intel" in path.name.lower()]
