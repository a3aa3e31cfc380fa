"""The calibration of a model: its validation area only, the pairs of validation, and intervals that hold there."""

import shutil
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from inference_cases import RECIPE, FirstBand, as_model, windows, with_card
from model_cases import card_of, sealed
from torch import Tensor, nn

from img2height.conformal.calibration import LEVEL
from img2height.conformal.raster import read_bounds
from img2height.inference import calibrate
from img2height.inference.calibrate import calibrate_model
from img2height.io.rasters import Band, height_band, open_raster, read_heights, write_cog
from img2height.models.folder import LoadedModel
from img2height.samples.normalise import Normalisation
from img2height.scenes.pairs import write_pairs
from img2height.scenes.scene import Scene, SceneLayer
from img2height.settings.dataset import Pair

TILE_PX = 32


class Constant(nn.Module):
    """Heights of 2 m everywhere, without regard to the image."""

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"height": inputs["eo"][:, :1] * 0 + 2}


def areas(scene: Scene, *parts: tuple[str, shapely.Polygon]) -> geopandas.GeoDataFrame:
    rows = [{"fold": 0, "part": part, "dataset": scene.dataset, "scene": scene.name} for part, _ in parts]
    return geopandas.GeoDataFrame(rows, geometry=[area for _, area in parts])


def model_of(network: nn.Module, **recipe: object) -> LoadedModel:
    model = as_model(network, dtype="uint8", **{"target": "ndsm", **recipe})
    return with_card(model, tile_px=TILE_PX)


def calibrated(model: LoadedModel, scene: Scene, area: geopandas.GeoDataFrame, folder: Path):
    return calibrate_model(model, [scene], area, 0, windows(), folder / "scratch")


def test_intervals_cover_the_validation_area_and_use_no_other_part(district: Scene, tmp_path: Path) -> None:
    east, west = shapely.box(128, 0, 256, 256), shapely.box(0, 0, 128, 256)
    model = model_of(Constant())
    found = calibrated(model, district, areas(district, ("val", west), ("test", east)), tmp_path)
    other = calibrated(model, district, areas(district, ("val", west), ("train", east)), tmp_path)
    assert found == other and found.scenes == ["demo/district"]
    assert found.weights_sha256 == model.card.weights_sha256
    (low,) = found.classes  # 2 m everywhere
    assert (low.low_m, low.high_m) == (None, 2)
    write_cog(tmp_path / "height.tif", np.full((256, 256), 2, np.float32), district.grid, [height_band("ndsm")])
    with open_raster(tmp_path / "height.tif") as heights, open_raster(district.path("ndsm")) as reference:
        bounds = read_bounds(heights, None, None, found)
        truth = read_heights(reference)
    inside = ((truth >= bounds[0]) & (truth <= bounds[1]))[:, :128]
    assert LEVEL <= inside.mean() <= 0.99


def test_few_tiles_are_a_regular_part_of_many(district: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere = areas(district, ("val", district.grid.extent))
    whole = calibrated(model_of(Constant()), district, everywhere, tmp_path)
    monkeypatch.setattr(calibrate, "MOST_TILES", 16)
    part = calibrated(model_of(Constant()), district, everywhere, tmp_path)
    assert (whole.everywhere.count, part.everywhere.count) == (256 * 256, 16 * TILE_PX**2)


class Seen(nn.Module):
    """Heights of 2 m everywhere; remembers the sum of the first view of each window."""

    def __init__(self):
        super().__init__()
        self.sums: list[float] = []

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        self.sums += inputs["views"][:, 0].double().sum(dim=(1, 2)).tolist()
        return {"height": inputs["views"][:, :1] * 0 + 2}


def test_a_method_of_pairs_is_calibrated_with_the_pairs_of_validation(district: Scene, tmp_path: Path) -> None:
    scene = replace(district, folder=shutil.copytree(district.folder, tmp_path / "scene"), layers=dict(district.layers))
    pairs = [Pair(first=1, second=2, use=["val"]), Pair(first=2, second=1, use=["test"])]
    write_pairs([*pairs, Pair(first=3, second=4, use=["val"])], scene.path("pairs"))
    scene.layers["pairs"] = SceneLayer.of(scene.folder / "pairs.csv")
    views = ["first", "second"]
    card = card_of(
        {**RECIPE, "inputs": {"views": views}, "target": "ndsm"},
        Normalisation({"views": dict.fromkeys(views, (0.0, 1.0))}, "metre", 0.0, 1.0),
        tile_px=TILE_PX,
    )
    model = LoadedModel(Seen().eval(), sealed(card))
    area = areas(scene, ("val", scene.grid.extent))
    found = calibrate_model(model, [scene], area, 0, windows(256, 0.0), tmp_path / "scratch")
    assert found.everywhere.count == 256 * 256
    expected = []
    for name in ("view_1", "view_3"):
        with open_raster(scene.path(name)) as view:
            expected.append(float(view.read().sum(dtype=float)))
    assert model.network.sums == expected


def test_without_a_validation_area_nothing_is_known(district: Scene, tmp_path: Path) -> None:
    found = calibrated(model_of(Constant()), district, areas(district, ("test", district.grid.extent)), tmp_path)
    assert (found.scenes, found.classes, found.buildings, found.everywhere.margins) == ([], [], [], [])


def test_margins_are_the_quantiles_of_the_errors(district: Scene, tmp_path: Path) -> None:
    """The image is the reference with normal errors of 0.3 m: 90 % lie within 1.645 standard deviations."""
    with open_raster(district.path("ndsm")) as reference:
        image = read_heights(reference)[None] + np.random.default_rng(0).normal(0, 0.3, (1, 256, 256))
    write_cog(tmp_path / "eo.tif", image.astype(np.float32), district.grid, [Band("red")])
    scene = replace(district, layers={**district.layers, "eo": SceneLayer.of(tmp_path / "eo.tif", ["red"])})
    scene.layers["eo"] = replace(scene.layers["eo"], file=str(tmp_path / "eo.tif"))
    model = with_card(as_model(FirstBand(), target="ndsm"), tile_px=TILE_PX)
    found = calibrated(model, scene, areas(scene, ("val", scene.grid.extent)), tmp_path)
    assert [each.high_m for each in found.classes][:2] == [3, 10]
    for each in found.classes[1:]:  # heights are clipped at 0 m, so that those near it have smaller errors
        margin = each.margins[-1]
        assert (margin.below_m, margin.above_m) == (pytest.approx(0.49, abs=0.06), pytest.approx(0.49, abs=0.06))
