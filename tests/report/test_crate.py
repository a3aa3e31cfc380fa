"""The archive of an experiment says what is in it, validates, and finds what was changed."""

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
import rocrate
from model_cases import card_of
from own_environment import own_environment

from img2height.cli.verify import verify
from img2height.errors import DataError
from img2height.io.atomic import file_digest
from img2height.io.origins import PretrainedEncoder
from img2height.models.card import write_card
from img2height.provenance.archive import METADATA, archived_digests
from img2height.report.crate import Finished, write_crate
from img2height.samples.normalise import Normalisation
from img2height.scenes.about import write_about
from img2height.scenes.scene import Scene
from img2height.settings.dataset import About
from img2height.settings.recipe import Paper

PAPER = Paper(title="A paper", year=2018, url="https://arxiv.org/abs/1802.10249")
PROFILES = ("workflow-run-crate-0.5", "process-run-crate-0.5", "workflow-ro-crate-1.0")
VALIDATOR = "roc-validator==0.13.0"
ABOUT = About(title="A town", source="us", licence="CC0-1.0", vertical_reference="none")
ENCODER = PretrainedEncoder(encoder="lite", source="a package 1.0", sha256="0" * 64, licence="CC BY-NC 4.0")


@pytest.fixture
def project(tmp_path: Path, district: Scene, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with one scene, a model, results and their archive."""
    monkeypatch.chdir(tmp_path)
    scene = Path("data/scenes/demo/town")
    scene.mkdir(parents=True)
    shutil.copyfile(district.folder / "scene.json", scene / "scene.json")
    write_about(ABOUT, scene.parent / "about.json")
    model, results = Path("models/demo/mean height"), Path("results/demo")
    for file in (Path("workflow/Snakefile"), Path("params.yaml"), model / "model.safetensors", results / "report.html",
                 results / "view/index.html", results / ".report.html.x.tmp/report.html"):  # fmt: skip
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"content of {file}")
    card = card_of("mean_height", Normalisation({"eo": {"red": (1.0, 2.0)}}, "zscore", 0.0, 1.0), pretrained=ENCODER)
    write_card(card, file_digest(model / "model.safetensors"), model / "card.json")
    run = Finished(
        title="A town", workflow=Path("workflow/Snakefile"), language="snakemake",
        scenes=[Scene.load(scene / "scene.json")], papers={"one": PAPER, "other": PAPER},
        about={"demo": ABOUT}, citations={"demo": "Builder (2020)"}, seeds=[0, 1],
        settings=[Path("params.yaml")], outputs=[Path("models/demo"), results], left_out=[results / "view"],
    )  # fmt: skip
    write_crate(run, results / "crate.zip")
    return tmp_path


def entities(project: Path) -> dict[str, dict]:
    with zipfile.ZipFile(project / "results/demo/crate.zip") as archive:
        return {entity["@id"]: entity for entity in json.loads(archive.read(METADATA))["@graph"]}


def test_the_archive_has_what_a_reader_needs(project: Path) -> None:
    names = {
        "workflow/Snakefile", "params.yaml", "data/scenes/demo/town/scene.json", "data/scenes/demo/about.json",
        "models/demo/mean height/card.json",
        "models/demo/mean height/model.safetensors", "results/demo/report.html",
    }  # fmt: skip
    digests = archived_digests(project / "results/demo/crate.zip")
    assert digests == {name: file_digest(project / name) for name in names}
    with zipfile.ZipFile(project / "results/demo/crate.zip") as archive:
        assert set(archive.namelist()) - {"ro-crate-preview.html"} == {*names, METADATA}
    found = entities(project)
    assert found[PAPER.url]["name"] == "A paper"
    assert found["#data-demo"]["citation"] == "Builder (2020)"
    assert found["./"]["citation"] == [{"@id": PAPER.url}, {"@id": "#data-demo"}]
    assert found["#seeds"]["value"] == "0, 1"
    (action,) = [entity for entity in found.values() if entity["@type"] == "CreateAction"]
    assert {"@id": "results/demo/report.html"} in action["result"]
    assert {"@id": "params.yaml"} in action["object"]
    terms = found["#terms"]["description"]
    assert terms.startswith("demo: CC0-1.0; encoder lite: CC BY-NC 4.0.")
    assert terms.endswith("Not for commercial use: the licence of encoder lite does not allow it.")


def test_a_changed_result_is_named(project: Path) -> None:
    assert verify(Path("results/demo")) == []
    assert verify(Path("results/demo/crate.zip")) == []
    Path("results/demo/report.html").write_text("other numbers")
    Path("params.yaml").unlink()
    problems = sorted(verify(Path("results/demo")))
    assert len(problems) == 2
    assert problems[0].endswith("params.yaml is missing")
    assert "report.html was altered" in problems[1]
    assert verify(Path("results/demo/crate.zip")) == []


def test_an_altered_or_truncated_archive_is_named(project: Path) -> None:
    whole = Path("results/demo/crate.zip").read_bytes()
    with zipfile.ZipFile("results/demo/crate.zip") as archive:
        others = [entry for entry in archive.infolist() if entry.filename != METADATA]
    longest = max(others, key=lambda entry: entry.compress_size)
    middle = longest.header_offset + 100 + longest.compress_size // 2
    altered = whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :]
    for content in (altered, whole[: len(whole) // 2], b"hello"):
        Path("copy.zip").write_bytes(content)
        (problem,) = verify(Path("copy.zip"))
        assert problem.startswith("copy.zip was altered or is not complete: ")


def test_another_archive_and_no_archive_are_refused(project: Path) -> None:
    with zipfile.ZipFile("other.zip", "w") as archive:
        archive.writestr("file", "text")
    with pytest.raises(DataError, match=r"other\.zip: is not an archive of an experiment"):
        verify(Path("other.zip"))
    Path("results/demo/crate.zip").unlink()
    with pytest.raises(DataError, match="archived: snakemake --config experiment=<name> -- crate"):
        verify(Path("results/demo"))


@pytest.mark.slow
def test_the_archive_validates(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    programs = own_environment(tmp_path_factory.mktemp("validator"), VALIDATOR)
    with zipfile.ZipFile(project / "results/demo/crate.zip") as archive:
        archive.extractall(project / "unpacked")
    context = Path(rocrate.__file__).parent / "data/ro-crate.jsonld"
    program = Path(__file__).with_name("validate_crate.py")
    done = subprocess.run(
        [programs / "python", program, project / "unpacked", context, *PROFILES],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [f"{profile} passed" for profile in PROFILES]
