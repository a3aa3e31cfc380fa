"""Each engine gives the heights of torch, the same bytes every time, and is used only where it keeps the scores."""

import errno
import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from inference_cases import Convolutions, as_model, noise, windows, write_image
from reduced_methods import model_of
from torch import Tensor, nn
from torch.nn import functional

from img2height.cpu import computes_in_bfloat16, set_up_cpu
from img2height.errors import DataError, ModelError
from img2height.inference import predict_raster
from img2height.inference.engines import FASTEST_FIRST, OPENVINO_INT8, choose
from img2height.inference.engines.cache import cache_folder, cached
from img2height.inference.engines.choose import choose_engine, engine_in_words
from img2height.inference.given import given_scene
from img2height.inference.inputs import InputWindow
from img2height.inference.network import Network
from img2height.inference.plan import Task
from img2height.inference.predict import predict_strips
from img2height.io.atomic import file_digest
from img2height.models.engines import ENGINES, INT8, Change, Measured, MeasuredEngines, write_engines
from img2height.models.folder import LoadedModel
from img2height.provenance.versions import installed


class Unpooled(nn.Module):
    """Convolutions around a pooling of 2 x 2 pixels that is undone at the place of each maximum; ReLU makes ties."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.inner, self.last = (nn.Conv2d(i, o, 3, padding=1) for i, o in ((1, 8), (8, 8), (8, 1)))

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        x, index = functional.max_pool2d(functional.relu(self.first(inputs["eo"])), 2, return_indices=True)
        return {"height": self.last(functional.max_unpool2d(self.inner(x), index, 2))}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def predicted(network: nn.Module, engine: str, count: int = 1) -> np.ndarray:
    """Return the heights of windows, B x H x W."""
    inputs = [{"eo": noise(32, 32)[None] * (1 + number)} for number in range(count)]
    given = [InputWindow(each, np.ones((32, 32), bool), 0.0) for each in inputs]
    return Network(as_model(network), "cpu", windows(window_px=32, engine=engine)).predict(given)[:, 0]


SIGNALLED = """
import signal
from img2height.inference.engines.openvino import compiled
import openvino
from openvino import opset13

values = opset13.parameter([1, 8], name="x")
graph = openvino.Model([opset13.relu(values)], [values], "graph")
networks = [compiled(graph, bfloat16=False) for _ in range(2)]
while networks:
    networks.pop(0)
signal.signal(signal.SIGUSR1, lambda *_: print("handled"))
signal.raise_signal(signal.SIGUSR1)
"""


def test_signals_are_handled_after_networks_of_openvino_are_freed() -> None:
    """A stop from a user or a scheduler, and the end of a process that reads samples, are signals."""
    done = subprocess.run([sys.executable, "-c", SIGNALLED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "handled\n"), done.stderr


@pytest.mark.parametrize("engine", [name for name in FASTEST_FIRST if name != OPENVINO_INT8])
def test_an_engine_gives_the_heights_of_torch(engine: str) -> None:
    exact, found = (predicted(Unpooled(), name, 3) for name in ("exact", engine))
    change = np.abs(found - exact) / np.ptp(exact)
    if engine == "openvino":
        assert change.max() <= 1e-6
    else:
        assert change.mean() <= 2**-8  # of bfloat16, which has 8 binary digits; a maximum may move to its neighbour
        assert change.mean() > 0 or not computes_in_bfloat16()


class Constant(nn.Module):
    """Heights of 2 m, without regard to the image, like the baselines."""

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"height": torch.full_like(inputs["eo"][:, :1], 2.0)}


def test_a_network_may_use_no_input() -> None:
    assert (predicted(Constant(), "openvino") == 2).all()


def test_threads_and_batches_do_not_change_the_bytes_of_openvino() -> None:
    found = []
    for threads in (1, 2):
        set_up_cpu(threads)
        found.append(predicted(Convolutions(), "openvino", 2))
    set_up_cpu(1)
    assert (found[0] == found[1]).all()
    assert (predicted(Convolutions(), "openvino")[0] == found[0][0]).all()


def test_a_prediction_resumes_with_the_same_bytes_and_another_engine_starts_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model, image = as_model(Convolutions()), {"eo": write_image(tmp_path / "eo.tif", noise(1200, 64))}
    scene = given_scene(model.recipe.inputs, image)
    task = Task(model, scene, [], windows(overlap=0.25, engine="openvino"), tmp_path / "strips")
    strips = predict_strips(task, threads=1)
    files = sorted(task.folder.glob("*.npy"))
    whole = [file.read_bytes() for file in files]
    assert len(files) >= 2
    files[0].unlink()  # as if killed
    kept = files[1].stat().st_mtime_ns
    with caplog.at_level(logging.INFO, "img2height"):
        predict_strips(task, threads=1)
        assert "resuming" in caplog.text
        assert [file.read_bytes() for file in files] == whole
        assert files[1].stat().st_mtime_ns == kept
        predict_strips(replace(task, settings=windows(overlap=0.25)), threads=1)
    assert "these have changed: settings, versions" in caplog.text
    strips.remove()


def measurement(model: LoadedModel, **refused: str) -> MeasuredEngines:
    """Return a measurement of all engines, of which some were refused for a reason."""
    kept = Change(value=0.001, low=0.0, high=0.002)
    found = {
        name: Measured(rmse=kept, mae=kept, classes={}, mean_m=0.03, most_m=0.2,
                       refused=[refused[name]] if name in refused else [])
        for name in FASTEST_FIRST
    }  # fmt: skip
    return MeasuredEngines(
        weights_sha256=model.card.weights_sha256, scenes=["demo/meadow"], windows=16, window_px=32, rmse_m=3.0,
        mae_m=2.0, engines=found, versions={},
    )  # fmt: skip


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., LoadedModel]:
    """Return a function that returns a model in a folder, with some engines refused, on a processor with bfloat16."""
    monkeypatch.setattr(choose, "computes_in_bfloat16", lambda: True)

    def in_folder(**refused: str) -> LoadedModel:
        model = replace(as_model(Convolutions()), folder=tmp_path)
        write_engines(measurement(model, **refused), tmp_path / ENGINES)
        return model

    return in_folder


def test_auto_takes_the_fastest_that_was_admitted(
    measured: Callable[..., LoadedModel], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "img2height"):
        assert choose_engine(measured(), "auto", "cpu") == "openvino_bfloat16"
        assert "RMSE +0.10%, MAE +0.10%, heights change by 0.03 m on average on 16 validation windows" in caplog.text
        assert choose_engine(measured(openvino_bfloat16="RMSE may be 3 % worse"), "auto", "cpu") == "bfloat16"
    assert "openvino_bfloat16 is not used: RMSE may be 3 % worse" in caplog.text
    assert choose_engine(measured(), "auto", "cpu", draws=2) == "bfloat16"
    assert choose_engine(measured(**dict.fromkeys(FASTEST_FIRST, "worse")), "auto", "cpu") == "exact"


def test_8_bits_need_vnni_and_the_packages_that_they_were_measured_with(
    measured: Callable[..., LoadedModel],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = measured()
    (tmp_path / INT8).write_bytes(b"limits")
    versions = installed(choose.GRAPH_MAKERS)
    found = measurement(model).model_copy(update={"int8_sha256": file_digest(tmp_path / INT8), "versions": versions})
    write_engines(found, tmp_path / ENGINES)
    for vnni, expected in ((True, "openvino_int8"), (False, "openvino_bfloat16")):
        monkeypatch.setattr(choose, "multiplies_int8", lambda vnni=vnni: vnni)
        assert choose_engine(model, "auto", "cpu") == expected
    monkeypatch.setattr(choose, "multiplies_int8", lambda: True)
    write_engines(found.model_copy(update={"versions": versions | {"torch": "2.0.0"}}), tmp_path / ENGINES)
    with caplog.at_level(logging.INFO, "img2height"):
        assert choose_engine(model, "auto", "cpu") == "openvino_bfloat16"
    assert "openvino_int8 is not used: was quantised with torch 2.0.0" in caplog.text


def test_a_processor_without_bfloat16_rounds_nothing(
    measured: Callable[..., LoadedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = measured()
    monkeypatch.setattr(choose, "computes_in_bfloat16", lambda: False)
    assert choose_engine(model, "auto", "cpu") == "openvino"
    with pytest.raises(ModelError, match="engine bfloat16: the processor does not compute in bfloat16; use exact"):
        choose_engine(model, "bfloat16", "cpu")


def test_a_named_engine_that_was_refused_is_an_error(measured: Callable[..., LoadedModel]) -> None:
    with pytest.raises(ModelError, match="engine openvino: RMSE may be 3 % worse; use exact or auto"):
        choose_engine(measured(openvino="RMSE may be 3 % worse"), "openvino", "cpu")


def test_without_a_measurement_nothing_is_rounded_unless_it_is_named(caplog: pytest.LogCaptureFixture) -> None:
    model = as_model(Convolutions())
    assert choose_engine(model, "auto", "cpu") == "exact"
    assert "the model has no engines.json" in caplog.text
    assert choose_engine(model, "openvino", "cpu") == "openvino"
    assert "was not measured" in caplog.text


def test_without_the_packages_auto_does_without_and_a_name_is_an_error(
    measured: Callable[..., LoadedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "PACKAGES", ("openvino", "no_such_package"))
    assert choose_engine(measured(), "auto", "cpu") == "bfloat16"
    with pytest.raises(ModelError, match=r"engine openvino: needs no_such_package; .*'img2height\[engines\]'"):
        choose_engine(measured(), "openvino", "cpu")


def test_a_measurement_of_other_weights_is_refused(measured: Callable[..., LoadedModel], tmp_path: Path) -> None:
    model = measured()
    other = measurement(model).model_copy(update={"weights_sha256": "f" * 64})
    write_engines(other, tmp_path / ENGINES)
    with pytest.raises(DataError, match="measure the engines again"):
        choose_engine(model, "auto", "cpu")


def test_an_engine_is_named_with_its_version() -> None:
    assert engine_in_words("exact") == "exact"
    assert engine_in_words("openvino_bfloat16").startswith("openvino_bfloat16 (openvino 20")


def test_a_damaged_file_of_the_cache_is_made_again() -> None:
    made = []

    def make() -> bytes:
        made.append(1)
        return b"content"

    assert [cached({"n": 1}, make) for _ in range(2)] == [b"content"] * 2
    assert len(made) == 1
    (file,) = cache_folder().iterdir()
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    assert cached({"n": 1}, make) == b"content"
    assert len(made) == 2


def test_a_full_disk_under_the_cache_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert cached({"n": 2}, lambda: b"content") == b"content"


def test_exact_is_the_default(tmp_path: Path) -> None:
    eo = write_image(tmp_path / "eo.tif", noise(64, 64))
    for name, settings in (("default", windows()), ("exact", windows(engine="exact"))):
        predict_raster(as_model(Convolutions()), {"eo": eo}, tmp_path / f"{name}.tif", settings)
    assert (tmp_path / "default.tif").read_bytes() == (tmp_path / "exact.tif").read_bytes()


@pytest.mark.slow
def test_inputs_that_are_not_given_are_missing_for_openvino_too() -> None:
    """After a window with all inputs, a request still holds their values."""
    torch.manual_seed(0)
    model, rng = model_of("omniheight"), np.random.default_rng(0)
    whole = {n: rng.normal(size=(len(bands), 64, 64)).astype(np.float32) for n, bands in model.inputs.items()}
    torch_, openvino = (Network(model, "cpu", windows(engine=engine)) for engine in ("exact", "openvino"))
    for given in (list(whole), ["eo"], ["sar", "views"], ["dsm_initial"]):
        window = InputWindow({layer: whole[layer] for layer in given}, np.array(True), 0.0)
        np.testing.assert_allclose(openvino.predict([window]), torch_.predict([window]), atol=1e-4)
