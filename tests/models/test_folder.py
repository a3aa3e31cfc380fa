import json
from pathlib import Path

import pytest
import torch
from inference_cases import RECIPE
from model_cases import card_of
from torch import nn

from img2height.errors import ModelError
from img2height.inference import load_model
from img2height.io.atomic import file_digest
from img2height.io.tables import SEAL, write_sealed
from img2height.methods import build_network
from img2height.models.card import read_card
from img2height.models.folder import save_model
from img2height.samples.normalise import Normalisation

BANDS = ["red", "green", "blue"]
STATISTICS = {"red": (1.0, 2.0), "green": (3.0, 4.0), "blue": (5.0, 6.0)}
CARD = card_of(
    {**RECIPE, "network": "im2height", "inputs": {"eo": BANDS}, "target": "ndsm", "tile_multiple": 16},
    Normalisation({"eo": STATISTICS}, "metre", 0.0, 1.0),
)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return build_network("im2height", {"eo": 3}, {})


@pytest.fixture
def folder(tmp_path: Path, network: nn.Module) -> Path:
    save_model(tmp_path / "model", network, network.state_dict(), CARD)
    return tmp_path / "model"


def test_a_saved_model_is_loaded_in_evaluation_mode(folder: Path, network: nn.Module) -> None:
    loaded = load_model(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "last.safetensors", "model.safetensors"]
    assert not loaded.network.training
    expected = network.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in loaded.network.state_dict().items())
    assert loaded.recipe.tile_multiple == 16


def test_bands_keep_their_order_although_the_card_is_sorted(folder: Path) -> None:
    assert list(json.loads((folder / "card.json").read_text())["normalisation"]["image"]["eo"]) == sorted(BANDS)
    assert list(load_model(folder).normalisation.image["eo"]) == BANDS


def test_layers_keep_their_order_although_the_card_is_sorted(tmp_path: Path) -> None:
    """A network that concatenates its layers would otherwise see the bands of one as those of another."""
    recipe = {**RECIPE, "network": "segnet", "inputs": {"sar": ["vv"], "eo": BANDS}, "options": {"width": 8}}
    statistics = {"eo": STATISTICS, "sar": {"vv": (0.0, 1.0)}}
    card = card_of({**recipe, "tile_multiple": 32}, Normalisation(statistics, "metre", 0.0, 1.0))
    bands = {layer: len(names) for layer, names in card.recipe.inputs.items()}
    network = build_network("segnet", bands, card.recipe.options).eval()
    save_model(tmp_path, network, network.state_dict(), card)
    inputs = {layer: torch.randn(1, count, 32, 32) for layer, count in bands.items()}
    with torch.inference_mode():
        assert torch.equal(load_model(tmp_path).network(inputs)["height"], network(inputs)["height"])


def test_the_same_model_is_the_same_bytes(folder: Path, tmp_path: Path, network: nn.Module) -> None:
    save_model(tmp_path / "again", network.to(memory_format=torch.channels_last), network.state_dict(), CARD)
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_altered_weights_are_refused(folder: Path) -> None:
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    with pytest.raises(ModelError, match="was altered"):
        load_model(folder)


def seal_again(folder: Path, card: dict) -> None:
    write_sealed({key: value for key, value in card.items() if key != SEAL}, folder / "card.json")


@pytest.mark.parametrize("name", ["model.safetensors", "card.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"{name} not found"):
        load_model(folder)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    other = build_network("im2height", {"eo": 3}, {"skip": False})
    save_model(tmp_path, other, other.state_dict(), CARD)
    with pytest.raises(ModelError, match="does not fit the network im2height"):
        load_model(tmp_path)


def test_a_pickle_is_never_opened(tmp_path: Path, network: nn.Module) -> None:
    save_model(tmp_path, network, network.state_dict(), CARD)
    torch.save(network.state_dict(), tmp_path / "model.safetensors")
    card = json.loads((tmp_path / "card.json").read_text())
    card["weights_sha256"] = file_digest(tmp_path / "model.safetensors")
    seal_again(tmp_path, card)
    with pytest.raises(ModelError, match="does not fit"):
        load_model(tmp_path)


def test_files_outside_the_folder_are_never_read(tmp_path: Path) -> None:
    """The recipe of a model names where its training started; the folder has all that a prediction needs."""
    network = build_network("segnet", {"eo": 3}, {"width": 8})
    outside = tmp_path / "secret"
    recipe = {
        **RECIPE, "network": "segnet", "inputs": {"eo": BANDS}, "tile_multiple": 32,
        "outputs": ["footprint", "height"], "loss": [{"name": "l1"}, {"name": "cross_entropy"}, {"name": "dice"}],
        "options": {"width": 8, "weights": str(outside)}, "init_from": str(outside),
    }  # fmt: skip
    outside.write_bytes(b"neither weights nor a model")
    save_model(tmp_path / "model", network, network.state_dict(), card_of(recipe, CARD.normalisation))
    loaded = load_model(tmp_path / "model")
    assert torch.equal(loaded.network.state_dict()["trunk.head.bias"], network.state_dict()["trunk.head.bias"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"recipe": {"network": "im2height"}}, "key recipe.title is missing"),
        ({"recipe": None}, "recipe: "),
        ({"gsd_m": "fine"}, "gsd_m: .* found 'fine'"),
        ({"trained_on": {"areas": [], "before": [], "unrecorded": [], "later": []}}, "unknown key trained_on.later"),
        ({"normalization": {}}, "unknown key normalization; .*did you mean 'normalisation'"),
    ],
)
def test_a_card_of_another_version_is_refused(folder: Path, change: dict, words: str) -> None:
    card = {**json.loads((folder / "card.json").read_text()), **change}
    seal_again(folder, card)
    with pytest.raises(ModelError, match=rf"card\.json: .*{words}.*another version: train the method again"):
        load_model(folder)


@pytest.mark.parametrize("key", ["recipe", "normalisation", "gsd_m", "dtypes", "training", "weights_sha256"])
def test_a_card_without_what_a_prediction_needs_is_refused(folder: Path, key: str) -> None:
    card = json.loads((folder / "card.json").read_text())
    seal_again(folder, {name: value for name, value in card.items() if name != key})
    with pytest.raises(ModelError, match=rf"card\.json: key {key} is missing; .*train the method again"):
        load_model(folder)


def test_a_card_has_only_what_was_given_and_is_read_as_written(folder: Path) -> None:
    written = json.loads((folder / "card.json").read_text())
    assert set(written) == {
        "method", "recipe", "normalisation", "gsd_m", "dtypes", "training", "weights_sha256", SEAL,
    }  # fmt: skip
    card = read_card(folder / "card.json")
    assert card.to_json() == {name: value for name, value in written.items() if name != SEAL}
    assert (card.fold, card.fitted_on, card.trained_on, card.tile_px) == (None, None, None, None)


def test_settings_of_another_version_are_kept_as_they_are(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text())
    seal_again(folder, card | {"training": {"threads": 2, "warmup": 7}})
    assert read_card(folder / "card.json").to_json()["training"] == {"threads": 2, "warmup": 7}


def test_an_altered_card_is_refused(folder: Path) -> None:
    card = folder / "card.json"
    card.write_text(card.read_text().replace('"gsd_m": ', '"gsd_m": 1'))
    with pytest.raises(ModelError, match=r"card\.json: was altered"):
        load_model(folder)
    card.write_bytes(b"\xff\xfe")
    with pytest.raises(ModelError, match="is not valid JSON"):
        load_model(folder)


def test_whoever_may_read_a_new_file_may_read_the_weights(folder: Path) -> None:
    (folder / "new").touch()
    usual = (folder / "new").stat().st_mode
    assert {path.stat().st_mode for path in folder.glob("*.*")} == {usual}


def test_a_network_without_weights_is_a_model_too(tmp_path: Path) -> None:
    constant = build_network("constant", {"eo": 1}, {})
    card = card_of(RECIPE, Normalisation({"eo": {"red": (1.0, 2.0)}}, "metre", 0.0, 1.0))
    save_model(tmp_path, constant, constant.state_dict(), card)
    assert load_model(tmp_path).network({"eo": torch.ones(1, 1, 4, 4)})["height"].abs().sum() == 0
