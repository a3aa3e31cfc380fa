"""A folder to hand on has weights, card and README, and is used like any model folder."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from calibration_cases import calibration
from familiarity_cases import familiarity
from model_cases import card_of
from own_environment import own_environment
from rasterio.crs import CRS
from record_cases import experiment_scores, method_scores
from typer.testing import CliRunner, Result

from img2height.cli.app import app
from img2height.cli.verify import verify
from img2height.comparison.record import Interval, write_rows
from img2height.conformal.calibration import CALIBRATION, write_calibration
from img2height.familiarity.familiarity import FAMILIARITY, write_familiarity
from img2height.inference.tags import MODEL_TAG
from img2height.io.atomic import file_digest
from img2height.io.grid import Grid
from img2height.io.rasters import height_band, write_cog
from img2height.io.tables import write_json
from img2height.methods import build_network
from img2height.models.card import TrainedOn, UsedAreas
from img2height.models.folder import load_model, save_model
from img2height.models.sources import write_sources
from img2height.samples.normalise import Normalisation
from img2height.settings.dataset import About

ABOUT = About(title="A town", source="survey", licence="CC BY-NC 4.0", vertical_reference="none")
CITY = About(title="A city", source="us", licence="CC0-1.0", vertical_reference="none")
GRID = Grid.north_up(CRS.from_epsg(32633), 500_000, 5_800_000, 0.5, (200, 400)).to_json()
USED = UsedAreas(dataset="town", scene="north", grid=GRID, train="POLYGON EMPTY")
WITHOUT = UsedAreas(dataset="city", scene="south", grid=GRID, val="POLYGON EMPTY")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    network = build_network("constant", {"eo": 1}, {})
    normalisation = Normalisation({"eo": {"red": (100.0, 10.0)}}, "minmax", 0.0, 31.5)
    card = card_of(
        "mean_height", normalisation, method="mean_height", seed=0, tile_px=64, best={"step": 9, "rmse_m": 2.34567},
        trained_on=TrainedOn(areas=[USED, WITHOUT], before=[], unrecorded=[]),
    )  # fmt: skip
    save_model(tmp_path / "model", network, network.state_dict(), card)
    path = tmp_path / "model/card.json"
    write_sources({path: path.with_name("sources.json")}, {"town": ABOUT, "city": CITY})
    return tmp_path / "model"


def write_scored(results: Path, *digests: str) -> None:
    """Write the heights that were scored, as models of these digests predict them."""
    path = results / "mean_height/oof/seed0/south/height.tif"
    path.parent.mkdir(parents=True, exist_ok=True)
    grid = Grid.north_up(CRS.from_epsg(32633), 500_000, 5_800_000, 0.5, (64, 64))
    write_cog(path, np.zeros(grid.shape, np.float32), grid, [height_band("ndsm")], nodata=-9999)
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as raster:
        raster.update_tags(**{MODEL_TAG: ", ".join(digests)})


@pytest.fixture
def results(model: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    write_scored(folder, file_digest(model / "model.safetensors"))
    (folder / "tables").mkdir(parents=True)
    rows = [
        Interval("mean_height", 0, "all", "rmse_m", 2.9876, 2.5, 3.25, 40, 64.0),
        Interval("other", 0, "all", "rmse_m", 1.0, 0.5, 1.5, 40, 64.0),
    ]
    write_rows(rows, Interval, folder / "tables" / "intervals.csv")
    scores = experiment_scores(method_scores("mean_height", scenes=["town/south"]))
    write_json(scores.to_json(), folder / "metrics.json")
    return folder


def export(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


def test_the_folder_says_what_a_user_needs_to_know(model: Path, results: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    weights = file_digest(model / "model.safetensors")
    write_calibration(calibration().model_copy(update={"weights_sha256": weights}), model / CALIBRATION)
    write_familiarity(familiarity(weights), model / FAMILIARITY)
    done = export(model, "--folder", out, "--results", results)
    assert done.exit_code == 0, done.output
    files = [
        "README.md",
        "calibration.json",
        "card.json",
        "familiarity.json",
        "item.json",
        "model.safetensors",
        "sources.json",
    ]
    assert sorted(path.name for path in out.iterdir()) == files
    assert (out / FAMILIARITY).read_bytes() == (model / FAMILIARITY).read_bytes()
    assert (out / CALIBRATION).read_bytes() == (model / CALIBRATION).read_bytes()
    text = (out / "README.md").read_text()
    for expected in (
        "| `eo` | red | uint8 | zscore of the training tiles |",
        "Output: `ndsm` in metres above ground, at least 0. Trained on pixels of 0.5 m, in tiles of 64 px.",
        "| town/north | training | A town | survey | CC BY-NC 4.0 |",
        "| city/south | validation | A city | us | CC0-1.0 |",
        "In test areas of town/south, which the training did not see:",
        "| RMSE, m (all) | 2.988 | 2.5 to 3.25 |",
        "Validation, which chose the weights: rmse_m 2.346.",
        "between 0 and 31.5 m",
        "**Not for commercial use**: the licence of town does not allow it.",
        "img2height predict --model . --image eo.tif --out height.tif",
    ):
        assert expected in text
    assert "other" not in text.replace("others", "")
    assert verify(out) == []
    loaded, original = load_model(out), load_model(model)
    assert loaded.card == original.card
    assert all(torch.equal(v, original.network.state_dict()[k]) for k, v in loaded.network.state_dict().items())


def test_scores_of_several_folds_say_so(model: Path, results: Path, tmp_path: Path) -> None:
    write_scored(results, file_digest(model / "model.safetensors"), "f" * 64, "e" * 64)
    assert export(model, "--folder", tmp_path / "out", "--results", results).exit_code == 0
    text = (tmp_path / "out/README.md").read_text()
    assert "In test areas of town/south, predicted by the models of all 3 folds" in text


def test_the_item_says_where_and_how_the_model_works(model: Path, tmp_path: Path) -> None:
    export(model, "--folder", tmp_path / "out")
    item, digest = json.loads((tmp_path / "out/item.json").read_text()), file_digest(model / "model.safetensors")
    assert item["id"] == f"mean_height-{digest[:12]}"
    assert item["assets"]["weights"]["file:checksum"] == f"1220{digest}"
    assert item["bbox"] == pytest.approx([15, 52.3485, 15.0029, 52.3494], abs=1e-3)  # 200 x 100 m at UTM's meridian
    properties = item["properties"]
    assert (properties["gsd"], properties["mlm:architecture"], properties["mlm:tasks"]) == (
        0.5,
        "constant",
        ["regression"],
    )
    (given,), (height,) = properties["mlm:input"], properties["mlm:output"]
    assert given["input"] == {
        "shape": [-1, 1, 64, 64], "dim_order": ["batch", "channel", "height", "width"], "data_type": "uint8",
    }  # fmt: skip
    assert (given["bands"], given["value_scaling"]) == (["red"], [{"type": "z-score", "mean": 100.0, "stddev": 10.0}])
    assert height["name"] == "ndsm"


@pytest.mark.slow
def test_the_item_validates(model: Path, tmp_path: Path) -> None:
    export(model, "--folder", tmp_path / "out")
    programs = own_environment(tmp_path / "stac", "stac-model==0.7.0")
    check = (
        "import json, sys; from pystac import Item; from stac_model.schema import MLModelProperties\n"
        "item = Item.from_dict(json.load(open(sys.argv[1])))\n"
        "fields = {key[4:]: value for key, value in item.properties.items() if key.startswith('mlm:')}\n"
        "MLModelProperties.model_validate(fields)"
    )
    subprocess.run([programs / "python", "-c", check, tmp_path / "out/item.json"], check=True)


def test_without_results_there_is_no_test_score(model: Path, tmp_path: Path) -> None:
    assert export(model, "--folder", tmp_path / "out").exit_code == 0
    assert "No test score was given to this card." in (tmp_path / "out" / "README.md").read_text()


def test_mistakes_are_one_line_and_write_nothing(model: Path, results: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(results, other)
    write_scored(other, "f" * 64)
    write_rows([], Interval, results / "tables" / "intervals.csv")
    for arguments, said in (
        (["--folder", model], "exists already"),
        (["--folder", tmp_path / "out", "--results", other], "were made by other models than this one, of weights"),
        (["--folder", tmp_path / "out", "--results", results], "has no scores of mean_height with seed 0"),
        ([], "nothing to write"),
    ):
        done = export(model, *arguments)
        assert (done.exit_code, said in done.output) == (2, True), done.output
    assert not (tmp_path / "out").exists()
