"""An exported model gives the heights of `img2height predict`, and QGIS's plugin Deepness reads what it needs."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from model_cases import card_of
from reduced_methods import RECIPES, model_of, side_of
from typer.testing import CliRunner

from img2height.cli.app import app
from img2height.errors import ModelError
from img2height.inference import onnx
from img2height.inference.inputs import InputWindow
from img2height.inference.network import Network
from img2height.inference.onnx import export_onnx
from img2height.methods import build_network
from img2height.models.folder import LoadedModel, save_model
from img2height.samples.normalise import BYTE, Normalisation
from img2height.settings.protocol import Inference
from img2height.vocabulary.layers import INITIAL

AT_ONCE = ("im2height", "resdepth_stereo")  # unpooling; several inputs, centred on each window
ONE_EACH = sorted({recipe.network: name for name, recipe in reversed(RECIPES.items())}.values())
OTHERS = [name for name in (*ONE_EACH, "cgan_relative", "fusionheightnet_b1") if name not in AT_ONCE]
METHODS = [*AT_ONCE, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]


def settings_of(name: str) -> Inference:
    return Inference(window_px=max(side_of(name), 32), overlap=0.25)


def stored(model: LoadedModel, side_px: int) -> dict[str, np.ndarray]:
    """Return one window by layer, C x H x W float32 as stored, with a missing corner."""
    rng = np.random.default_rng(0)
    images = {}
    for layer, bands in model.recipe.inputs.items():
        low, high = (400, 440) if layer == INITIAL else (0, 256)
        images[layer] = rng.uniform(low, high, (len(bands), side_px, side_px)).round().astype(np.float32)
        images[layer][:, :3, :5] = np.nan
    return images


def predicted(model: LoadedModel, settings: Inference, images: dict[str, np.ndarray]) -> np.ndarray:
    """Return what `img2height predict` computes in a window, bands x H x W."""
    valids = {layer: ~np.isnan(image).any(axis=0) for layer, image in images.items()}
    inputs, offset_m = model.normalisation.normalise_patch(images, valids, model.recipe.optional)
    return Network(model, "cpu", settings).predict([InputWindow(inputs, np.array(True), offset_m)])[0]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[LoadedModel, Path]]:
    """Return a function that exports a method, trained at 0.3 m, once."""

    @cache
    def export(name: str) -> tuple[LoadedModel, Path]:
        torch.manual_seed(0)
        model, path = model_of(name, gsd_m=0.3), tmp_path_factory.mktemp("exported") / f"{name}.onnx"
        export_onnx(model, settings_of(name), path)
        return model, path

    return export


def opened(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("name", METHODS)
def test_the_heights_are_those_of_the_model(name: str, exported: Callable[[str], tuple[LoadedModel, Path]]) -> None:
    (model, path), settings = exported(name), settings_of(name)
    session = opened(path)
    assert [given.name for given in session.get_inputs()] == list(model.recipe.inputs)
    images = stored(model, settings.window_px)
    expected = [band for band in predicted(model, settings, images) if not np.isnan(band).all()]
    for count in (1, 3):  # windows at once
        found = session.run(None, {layer: np.stack([image] * count) for layer, image in images.items()})
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert one.shape == (count, 1, *other.shape)
            assert np.isnan(one[:, 0, :3, :5]).all()
            valid = np.ones(other.shape, bool)
            valid[:3, :5] = False
            assert np.abs(one[-1, 0][valid] - other[valid]).max() <= 1e-4 * max(np.ptp(other), 1)


@pytest.mark.slow
def test_an_optional_input_that_is_nan_is_missing(exported: Callable[[str], tuple[LoadedModel, Path]]) -> None:
    (model, path), settings = exported("omniheight"), settings_of("omniheight")
    images = stored(model, settings.window_px)
    image = np.nan_to_num(images["eo"], nan=7)
    blank = {layer: np.full_like(x, np.nan) for layer, x in images.items()}
    found = opened(path).run(None, {layer: x[None] for layer, x in {**blank, "eo": image}.items()})
    expected = predicted(model, settings, {"eo": image})[:1]
    assert np.abs(found[0][0] - expected).max() <= 1e-4 * max(np.ptp(expected), 1)


def test_deepness_gets_metres(exported: Callable[[str], tuple[LoadedModel, Path]]) -> None:
    """Follows its documentation of metadata, and its steps before and after the network."""
    (model, path), settings = exported("im2height"), settings_of("im2height")
    session = opened(path)
    read = {key: json.loads(value) for key, value in session.get_modelmeta().custom_metadata_map.items()}
    assert read["model_type"] == "Regressor"
    assert read["class_names"] == [{"0": "ndsm"}]
    assert read["resolution"] == pytest.approx(30)  # cm
    assert (read["tile_size"], read["tiles_overlap"], read["reg_output_scaling"]) == (32, 25, 1.0)
    (given,), (height,) = session.get_inputs(), session.get_outputs()
    assert (given.shape[1:], height.shape[1:]) == ([3, 32, 32], [1, 32, 32])  # square; the batch is free
    assert isinstance(given.shape[0], str)
    tile = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    scaled = np.float32(tile * 1.0 / BYTE)
    mean, std = (np.array(read[f"standardization_{name}"], np.float32) for name in ("mean", "std"))
    fed = np.transpose((scaled - mean) / std, (0, 3, 1, 2))
    found = session.run(None, {given.name: fed})[0] * read["reg_output_scaling"]
    expected = predicted(model, settings, {"eo": tile[0].transpose(2, 0, 1).astype(np.float32)})
    assert found[0] == pytest.approx(expected, abs=1e-3)
    assert read["img2height_card"] == json.loads(json.dumps(model.card.to_json()))


def test_the_same_model_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        export_onnx(model_of("mean_height"), settings_of("mean_height"), tmp_path / name)
    content = (tmp_path / "one").read_bytes()
    assert content == (tmp_path / "other").read_bytes()
    assert str(Path(onnx.__file__).parent).encode() not in content


def test_a_file_with_other_heights_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "AGREEMENT", -1.0)
    with pytest.raises(ModelError, match="other values of ndsm"):
        export_onnx(model_of("mean_height"), settings_of("mean_height"), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "PACKAGES", ("onnx", "no_such_package"))
    with pytest.raises(ModelError, match=r"need no_such_package; .* 'img2height\[onnx\]'"):
        export_onnx(model_of("mean_height"), settings_of("mean_height"), tmp_path / "model.onnx")


def test_the_command_writes_a_file_and_says_how_well_it_agrees(tmp_path: Path) -> None:
    network = build_network("constant", {"eo": 1}, {})
    card = card_of("mean_height", Normalisation({"eo": {"red": (100.0, 10.0)}}, "zscore", 4.5, 2.0), tile_px=64)
    save_model(tmp_path / "model", network, network.state_dict(), card)
    out = tmp_path / "folder" / "mean.onnx"
    done = CliRunner().invoke(app, ["export", str(tmp_path / "model"), "--onnx", str(out)])
    assert done.exit_code == 0, done.output
    assert "within 0 m" in done.output
    assert opened(out).get_inputs()[0].shape[2:] == [64, 64]
    wrong = CliRunner().invoke(app, ["export", str(tmp_path / "model"), "--onnx", str(tmp_path / "model.tif")])
    assert wrong.exit_code == 2
    assert "must end in .onnx" in wrong.output
