"""The areas that a model was trained on are on its card, and are not tested again."""

from dataclasses import replace
from pathlib import Path

import geopandas
import pandas
import pytest
from model_cases import card_of
from rasterio.crs import CRS
from shapely.geometry import box

from img2height.errors import TrainingError
from img2height.io.grid import Grid
from img2height.methods import recipes_folder
from img2height.models.audit import ModelAudit, audit_models
from img2height.models.card import Card, FittedOn, TrainedOn
from img2height.models.trained import refuse_tested, trained_before, with_areas
from img2height.samples.normalise import Normalisation
from img2height.scenes.scene import Scene, SceneLayer
from img2height.settings.project import load_recipe

UTM = CRS.from_epsg(32633)
LAYERS = {"eo": SceneLayer("eo.tif", "5e")}
SCENE = Scene(Path(), "d", "s", Grid.north_up(UTM, 400_000, 5_000_000, 0.5, (200, 400)), LAYERS)
HALVES = {"west": box(0, 0, 200, 200), "east": box(200, 0, 400, 200), "corner": box(0, 0, 20, 10)}
UNET = load_recipe(recipes_folder(), "unet")
FRESH = trained_before(UNET, None)
NORMALISATION = Normalisation({}, "metre", 0.0, 1.0)
START = UNET.model_copy(update={"init_from": "models/other/unet/fold0/seed0"})


def areas(*rows: tuple[str, str], scene: Scene = SCENE, fold: int = 0) -> geopandas.GeoDataFrame:
    """Return a table of areas: part, and the name of the piece that it has of a scene."""
    places = [{"fold": fold, "part": part, "dataset": scene.dataset, "scene": scene.name} for part, _ in rows]
    return geopandas.GeoDataFrame(places, geometry=[HALVES[piece] for _, piece in rows])


def unet(trained_on: TrainedOn | None, method: str = "unet") -> Card:
    """Return the card of a model that was trained on these areas."""
    tiles = FittedOn(tiles=0, sha256="")
    recipe = UNET.model_copy(update={"init_from": "models/other"})  # its statistics may be those of any tiles
    return card_of(recipe, NORMALISATION, method=method, fold=0, seed=0, fitted_on=tiles, trained_on=trained_on)


def card(*rows: tuple[str, str], scene: Scene = SCENE, before: TrainedOn = FRESH) -> Card:
    """Return the card of a model that learnt from these areas."""
    return unet(with_areas(before, [scene], areas(*rows, scene=scene), 0))


def audit(cards: list[Card], tested: geopandas.GeoDataFrame) -> ModelAudit:
    """Return the findings on models of these test areas."""
    return audit_models(cards, pandas.DataFrame({"fold": []}), [SCENE], tested)


def refused(start: Card, tested: geopandas.GeoDataFrame, words: str, scene: Scene = SCENE) -> None:
    with pytest.raises(TrainingError, match=words):
        refuse_tested(START, trained_before(START, start), [scene], tested, [0])


def test_the_card_has_areas_of_its_own_fold_and_the_digests_of_their_layers():
    table = areas(("train", "west"), ("test", "east")), areas(("val", "east"), fold=1)
    (entry,) = with_areas(FRESH, [SCENE], table[0], 0).areas
    assert entry.model_dump(exclude_unset=True) == {
        "dataset": "d", "scene": "s", "grid": SCENE.grid.to_json(), "layers": {"eo": "5e"},
        "train": "POLYGON ((200 0, 200 200, 0 200, 0 0, 200 0))",
    }  # fmt: skip
    assert with_areas(FRESH, [SCENE], table[1], 0).areas == []


@pytest.mark.parametrize("part", ["train", "val"])
def test_what_was_trained_or_validated_on_is_not_tested(part):
    start = card((part, "west"))
    refused(start, areas(("test", "west")), r"10000 m2 of scene d/s, which fold 0 tests; start from")
    refused(start, areas(("test", "corner")), r" 50 m2 of scene d/s")
    refuse_tested(START, trained_before(START, start), [SCENE], areas(("train", "west"), ("test", "east")), [0])


@pytest.mark.parametrize("epsg", [32633, 32632, 3857])
def test_a_scene_of_another_data_set_that_shows_the_place_counts(epsg):
    """In another coordinate system and pixel size: the areas are compared on the map."""
    side = SCENE.grid.side_in(CRS.from_epsg(epsg))
    west, _, _, north = SCENE.grid.to_crs(SCENE.grid.extent, CRS.from_epsg(epsg)).bounds
    grid = Grid.north_up(CRS.from_epsg(epsg), west, north, 2 * side, (200, 400))
    other = replace(SCENE, dataset="elsewhere", name="t", grid=grid)  # its western half is larger than the whole scene
    refused(card(("train", "west"), scene=other), areas(("test", "corner")), r" \d+\.?\d* m2 of scene d/s")
    far = replace(other, grid=grid.moved(1e5, 0))
    before = trained_before(START, card(("train", "west"), scene=far))
    refuse_tested(START, before, [SCENE], areas(("test", "corner")), [0])


def test_models_that_the_starting_model_started_from_count():
    first = card(("train", "west"))
    second = card(("train", "corner"), before=trained_before(START, first))
    third = card(("train", "corner"), before=trained_before(START, second))
    refused(third, areas(("test", "west")), "a model that it started from, .* 10000 m2 of scene d/s")


def test_a_card_of_an_earlier_version_is_refused():
    refused(unet(None), areas(("test", "west")), "does not say on which areas .*; train it again, or import it again")


def test_what_nobody_recorded_is_not_known():
    encoder = UNET.model_copy(update={"options": {"weights": "imagenet"}})
    assert trained_before(encoder, None).unrecorded == ["encoder weights imagenet"]
    imported = unet(TrainedOn(areas=[], before=[], unrecorded=["weights imported from a.pth"]))
    before = trained_before(encoder, imported)
    assert before.unrecorded == ["weights imported from a.pth", "encoder weights imagenet"]
    made = card(("train", "west"), before=before)
    other = unet(card(("train", "west")).trained_on, "other")
    found = audit([made, other], areas(("test", "east")))
    assert (found.unrecorded, found.validated_again_m2) == ({"unet": before.unrecorded}, {})


def test_the_audit_of_finished_models_refuses_the_same():
    chain = card(("train", "east"), before=trained_before(START, card(("train", "west"))))
    for made, tested in ((card(("train", "west")), "west"), (card(("val", "west")), "corner"), (chain, "corner")):
        with pytest.raises(TrainingError, match=r"unet, fold 0, seed 0: .* m2 of scene d/s of its test area"):
            audit([made], areas(("test", tested)))
    again = audit([chain], areas(("val", "corner"))).validated_again_m2
    assert again == {"unet, fold 0, seed 0": {"d/s": 50.0}}
    with pytest.raises(TrainingError, match="unet, fold 0, seed 0: its card does not say"):
        audit([unet(None)], areas(("test", "east")))
