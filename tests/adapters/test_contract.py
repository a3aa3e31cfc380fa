"""The contract of every adapter: a delivery with true names, through all steps, to scores."""

from pathlib import Path

import numpy as np
import pandas
import pytest
import shapely
from deliveries import HIGHEST_M, HOUSE_M, WRITERS
from typer.testing import CliRunner
from whole_run import run

from img2height.cli.app import app
from img2height.importing.matching import MOSAICS
from img2height.io.rasters import open_raster, read_heights
from img2height.scenes.scene import Scene
from img2height.settings.installed import adapter_modules
from img2height.tiles.areas import tile_boxes

FLAGS = {"folder": ["--declare", "dsm.unit=metre", "--declare", "dtm.unit=metre"]}


def imported(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what the import of a delivery prints; the project is a folder."""
    WRITERS[name](folder / "delivered")
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(app, ["import-dataset", name, "delivered", "--name", name, *FLAGS.get(name, [])])
    assert done.exit_code == 0, done.output
    return done.output


def heights(scene: Scene) -> dict[str, np.ndarray]:
    """Return reference heights and building mask of a scene, float32 with NaN."""
    found = {}
    for layer in {"ndsm", "building"} & scene.layers.keys():
        with open_raster(scene.path(layer)) as raster:
            found[layer] = read_heights(raster)
            assert raster.units == (("metre",) if layer == "ndsm" else (None,))
    return found


def shown_chips(scene: Scene, tiles: pandas.DataFrame, mosaics: Path) -> list[int]:
    """Return how many chips of its sheet each tile of a scene shows."""
    with open_raster(mosaics / f"{scene.name}_eo.vrt") as sheet:
        scale = scene.grid.width / sheet.width
    chips = pandas.read_csv(mosaics / "chips.csv").query("scene == @scene.name")
    corners = [chips[name] * scale for name in ("column", "row", "width", "height")]
    outlines = shapely.box(corners[0], corners[1], corners[0] + corners[2], corners[1] + corners[3])
    own = tile_boxes(tiles[tiles["scene"] == scene.name])
    return [int((shapely.area(shapely.intersection(outlines, tile)) > 0).sum()) for tile in own]


def test_every_adapter_has_a_delivery() -> None:
    assert WRITERS.keys() == adapter_modules().keys()


@pytest.mark.parametrize("name", WRITERS)
def test_a_delivery_is_imported_trained_on_and_scored(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = imported(name, tmp_path, monkeypatch)
    assert f"next: snakemake --cores 2 --resources gpu=1 --config experiment={name} -- scenes" in said
    made = run(name, tmp_path)
    for scene in made.scenes:
        found = heights(scene)
        if "ndsm" in found:
            assert -0.2 < np.nanmin(found["ndsm"]) <= 0.1
            assert np.nanmax(found["ndsm"]) == pytest.approx(HIGHEST_M, abs=0.5)
        if len(found) == 2:
            assert np.nanmedian(found["ndsm"][found["building"] == 1]) == pytest.approx(HOUSE_M, abs=0.3)
    mosaics = tmp_path / "data/raw" / name / MOSAICS
    if (mosaics / "chips.csv").exists():
        assert {count for scene in made.scenes for count in shown_chips(scene, made.tiles, mosaics)} == {1}
    overall = made.scored.scores.strata["all"]
    assert overall["coverage"] > 0.5
    assert 0 < overall["rmse_m"] < 100
