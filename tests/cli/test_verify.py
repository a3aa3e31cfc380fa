"""Folders that were altered are found."""

import json
import shutil

import pytest
from calibration_cases import calibration
from familiarity_cases import familiarity
from model_cases import card_of

from img2height.cli.verify import verify
from img2height.conformal.calibration import CALIBRATION, write_calibration
from img2height.errors import DataError
from img2height.familiarity.familiarity import FAMILIARITY, write_familiarity
from img2height.io.atomic import file_digest
from img2height.models.card import write_card
from img2height.samples.normalise import Normalisation

CARD = card_of("mean_height", Normalisation({"eo": {"red": (100.0, 10.0)}}, "zscore", 4.5, 2.0))


def test_an_altered_model_is_found(tmp_path):
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"weights")
    write_card(CARD, file_digest(weights), tmp_path / "card.json")
    assert verify(tmp_path) == []
    weights.write_bytes(b"weight5")
    assert len(verify(tmp_path)) == 1
    assert "model.safetensors was altered" in verify(tmp_path)[0]
    weights.unlink()
    assert "is missing" in verify(tmp_path)[0]


def test_an_altered_card_is_found(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    card, digest = tmp_path / "card.json", file_digest(tmp_path / "model.safetensors")
    write_card(CARD, digest, card)
    assert verify(tmp_path) == []
    card.write_text(card.read_text().replace("4.5", "100.5"))
    (problem,) = verify(tmp_path)
    assert "card.json: was altered" in problem
    for damaged in ("{}", "[]", "no"):
        card.write_text(damaged)
        assert len(verify(tmp_path)) == 1


def test_a_calibration_of_other_weights_is_found(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    digest = file_digest(tmp_path / "model.safetensors")
    write_card(CARD, digest, tmp_path / "card.json")
    for weights, problems in ((digest, 0), ("b" * 64, 1)):
        write_calibration(calibration().model_copy(update={"weights_sha256": weights}), tmp_path / CALIBRATION)
        assert len(verify(tmp_path)) == problems


def test_what_another_model_has_seen_is_found(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    digest = file_digest(tmp_path / "model.safetensors")
    write_card(CARD, digest, tmp_path / "card.json")
    for weights, problems in ((digest, 0), ("b" * 64, 1)):
        write_familiarity(familiarity(weights), tmp_path / FAMILIARITY)
        assert len(verify(tmp_path)) == problems


@pytest.mark.parametrize(
    "text", ["{}", "[]", "1", "no", '{"grid": 1}', '{"grid": {"crs": "EPSG:0"}, "dataset": "d", "scene": "s"}']
)
def test_a_damaged_manifest_is_one_line(tmp_path, text):
    (tmp_path / "scene.json").write_text(text)
    with pytest.raises(DataError, match=r"scene\.json: is not"):
        verify(tmp_path)


def test_an_altered_scene_is_found(district, tmp_path):
    copy = shutil.copytree(district.folder, tmp_path / "scene")
    assert verify(copy) == []
    (copy / "ndsm.tif").write_bytes(b"")
    assert [problem for problem in verify(copy) if "ndsm.tif was altered" in problem] == verify(copy) != []


@pytest.mark.parametrize("layer", ["sar.tif", "dsm_initial.tif", "dsm_filled.tif", "view_2.tif", "pairs.csv"])
def test_every_layer_of_a_scene_is_verified(district, tmp_path, layer):
    copy = shutil.copytree(district.folder, tmp_path / "scene")
    with (copy / layer).open("ab") as stream:
        stream.write(b"\0")
    (problem,) = verify(copy)
    assert f"{layer} was altered" in problem
    (copy / layer).unlink()
    assert verify(copy) == [f"{copy / layer} is missing"]


def test_the_manifest_keeps_the_look_direction_of_the_radar(district):
    layers = json.loads((district.folder / "scene.json").read_text())["layers"]
    assert layers["sar"]["look_azimuth_deg"] == 180
    assert {layer["look_azimuth_deg"] for name, layer in layers.items() if name != "sar"} == {None}


def test_a_folder_of_neither_kind_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"has no card\.json, scene\.json or crate\.zip"):
        verify(tmp_path)
