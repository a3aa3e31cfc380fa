"""Digests of code follow imports; folders that were altered are found."""

import json
import shutil
from pathlib import Path

import pytest

from img2height import provenance
from img2height.errors import DataError
from img2height.io.atomic import file_digest
from img2height.io.tables import write_sealed
from img2height.provenance import code_digest, verify, versions

FILES = {
    "script.py": "def main():\n    from img2height.room.a import work\n    work()\n",
    "img2height/__init__.py": "",
    "img2height/room/__init__.py": "",
    "img2height/room/a.py": "import img2height.room.b\n\ndef work(): return img2height.room.b.ONE\n",
    "img2height/room/b.py": "ONE = 1\n",
    "img2height/room/templates/page.html": "<p>\n",
    "img2height/other.py": "TWO = 2\n",
    "img2height/late.py": "from img2height import other\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return the folder of a small package and a function that takes the digest of its script."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(provenance, "ROOT", tmp_path / "img2height")

    def digest(*modules: str) -> str:
        for cached in (code_digest, provenance._tree, provenance._meaning, provenance._imports):
            cached.cache_clear()
        return code_digest(tmp_path / "script.py", *modules)

    yield tmp_path, digest
    code_digest.cache_clear()


@pytest.mark.parametrize(
    "name", ["script.py", "img2height/room/a.py", "img2height/room/b.py", "img2height/room/templates/page.html"]
)
def test_a_change_of_what_is_imported_changes_the_digest(package, name):
    folder, digest = package
    before = digest()
    (folder / name).write_text(FILES[name] + "THREE = 3\n")
    assert digest() != before


def test_a_change_of_anything_else_does_not(package):
    folder, digest = package
    before = digest()
    (folder / "img2height/other.py").write_text("TWO = 3\n")
    (folder / "img2height/room/b.py").write_text("# one\nONE   = 1\n")
    for left in (".b.py.swp", "templates/.page.html.swp", "b.py~", "templates/page.html~"):
        (folder / "img2height/room" / left).write_text("by an editor")
    assert digest() == before


def test_modules_loaded_by_name_are_named(package):
    folder, digest = package
    before = digest("img2height.late")
    assert before != digest()
    (folder / "img2height/other.py").write_text("TWO = 3\n")
    assert digest("img2height.late") != before


def test_digests_of_the_real_scripts_differ_by_method():
    script = Path(__file__).parents[1] / "scripts/train.py"
    digests = {code_digest(script, f"img2height.methods.{name}") for name in ("unet", "im2height", "constant")}
    assert len(digests) == 3


def test_versions_name_what_a_result_depends_on():
    assert {"python", "torch", "numpy", "rasterio"} <= set(versions())
    assert all(type(version) is str for version in versions().values())


def test_an_altered_model_is_found(tmp_path):
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"weights")
    write_sealed({"weights_sha256": file_digest(weights), "offset_m": 0.5}, tmp_path / "card.json")
    assert verify(tmp_path) == []
    weights.write_bytes(b"weight5")
    assert len(verify(tmp_path)) == 1
    assert "model.safetensors was altered" in verify(tmp_path)[0]
    weights.unlink()
    assert "is missing" in verify(tmp_path)[0]


def test_an_altered_card_is_found(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    card, digest = tmp_path / "card.json", file_digest(tmp_path / "model.safetensors")
    write_sealed({"weights_sha256": digest, "normalisation": {"offset_m": 0.5}}, card)
    assert verify(tmp_path) == []
    card.write_text(card.read_text().replace("0.5", "100.5"))
    (problem,) = verify(tmp_path)
    assert "card.json: was altered" in problem
    for damaged in ("{}", "[]", "no"):
        card.write_text(damaged)
        assert len(verify(tmp_path)) == 1


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


def test_the_manifest_keeps_from_where_the_radar_looked(district):
    layers = json.loads((district.folder / "scene.json").read_text())["layers"]
    assert layers["sar"]["look_azimuth_deg"] == 180
    assert {layer["look_azimuth_deg"] for name, layer in layers.items() if name != "sar"} == {None}


def test_a_folder_of_neither_kind_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"neither card\.json nor scene\.json"):
        verify(tmp_path)
