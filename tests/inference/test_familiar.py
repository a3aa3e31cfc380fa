"""What a model has seen: found in the areas of its fold only; scores of other images, as raster and warning."""

import logging
import shutil
from dataclasses import replace
from itertools import product
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
import torch
from familiarity_cases import familiarity, tile
from inference_cases import RECIPE, FirstBand, as_model, with_card, write_image
from model_cases import card_of, sealed
from typer.testing import CliRunner

from img2height.cli.app import app
from img2height.errors import ModelError
from img2height.familiarity.describe import describe
from img2height.familiarity.familiarity import BOUND, FAMILIARITY, Familiarity, write_familiarity
from img2height.familiarity.fit import fit_familiarity
from img2height.inference.defaults import inference_settings, protocol
from img2height.inference.familiar import find_familiarity
from img2height.inference.given import given_scene
from img2height.inference.image import predict_image
from img2height.inference.inputs import open_inputs
from img2height.inference.several import predict_images
from img2height.inference.unfamiliar import Unfamiliarity, find_unfamiliar
from img2height.io.atomic import file_digest
from img2height.io.grid import Grid
from img2height.io.rasters import Band, open_raster, write_cog
from img2height.methods import build_network
from img2height.models.card import Card
from img2height.models.folder import LoadedModel, save_model
from img2height.samples.normalise import Normalisation
from img2height.scenes.pairs import read_pairs
from img2height.scenes.scene import Scene, SceneLayer

TILE_PX = 32
NAMES = ("red", "green", "blue")


def areas(scene: Scene, *parts: tuple[str, shapely.Polygon]) -> geopandas.GeoDataFrame:
    rows = [{"fold": 0, "part": part, "dataset": scene.dataset, "scene": scene.name} for part, _ in parts]
    return geopandas.GeoDataFrame(rows, geometry=[area for _, area in parts])


def model_of(**recipe: object) -> LoadedModel:
    inputs = {"eo": list(NAMES)}
    return with_card(as_model(FirstBand(), dtype="uint8", **{"inputs": inputs, "target": "ndsm", **recipe}),
                     tile_px=TILE_PX)  # fmt: skip


def found_of(model: LoadedModel) -> Familiarity:
    return familiarity(model.card.weights_sha256)


def mosaic(columns: int = 6, rows: int = 4) -> np.ndarray:
    """Return an image of tiles of the process, which no fit has seen."""
    whole = [[tile(2000 + row * columns + column) for column in range(columns)] for row in range(rows)]
    return np.concatenate([np.concatenate(row, axis=2) for row in whole], axis=1)


def scored(path: Path, model: LoadedModel, **options: object) -> Unfamiliarity:
    scene = given_scene(model.inputs, {"eo": path})
    with open_inputs(model, scene) as images:
        return find_unfamiliar(images, found_of(model), **options)


def test_only_the_areas_of_the_fold_are_described(district: Scene) -> None:
    model = model_of()
    west, east = shapely.box(0, 0, 112, 256), shapely.box(144, 0, 256, 256)
    found = find_familiarity(model, [district], areas(district, ("train", west), ("val", east)), 0, 64)
    assert found.weights_sha256 == model.card.weights_sha256 and found.tile_px == TILE_PX
    assert found.scenes == ["demo/district"]
    (layer,) = found.layers
    assert (layer.trained, layer.validated) == (32, 32)  # of the fourth column half of each tile
    with open_raster(district.path("eo")) as image:
        levels = [image.read(1, window=((row, row + 32), (column, min(column + 32, 112)))).mean()
                  for row in range(0, 256, 32) for column in range(0, 112, 32)]  # fmt: skip
    assert layer.descriptors[0].centre == pytest.approx(np.mean(levels))
    other = find_familiarity(model, [district], areas(district, ("train", west), ("test", east)), 0, 64)
    assert other.layers[0].descriptors == layer.descriptors and other.layers[0].validated == 0


def test_all_pairs_of_the_training_are_described(district: Scene) -> None:
    views = {"views": ["first", "second"]}
    card = card_of(
        {**RECIPE, "inputs": views, "target": "ndsm"},
        Normalisation({"views": dict.fromkeys(views["views"], (0.0, 1.0))}, "metre", 0.0, 1.0), tile_px=64,
    )  # fmt: skip
    model = LoadedModel(torch.nn.Identity(), sealed(card))
    found = find_familiarity(model, [district], areas(district, ("train", district.grid.extent)), 0, 64)
    pairs = len(read_pairs(district, "train", views["views"]))
    assert found.layers[0].trained == 16 * pairs


def test_tiles_at_the_end_of_a_training_scene_are_whole(district: Scene, tmp_path: Path) -> None:
    """Of 85 px three fit: the last would be 1 px wide, and without any contrast."""
    model = with_card(model_of(), tile_px=85)
    found = find_familiarity(model, [district], areas(district, ("train", district.grid.extent)), 0, 64)
    with open_raster(district.path("eo")) as raster:
        image = raster.read(district.band_indexes("eo", list(NAMES)))
    corners, valid = list(product([0, 85, 170, 171], repeat=2)), np.ones((85, 85), bool)
    tiles = [{"eo": describe(image[:, row : row + 85, column : column + 85], valid)} for row, column in corners]
    expected = fit_familiarity(tiles, [], model.inputs, "b" * 64, ["demo/district"], 85)
    assert [layer.model_dump() for layer in found.layers] == [layer.model_dump() for layer in expected.layers]


def test_tiles_unlike_the_training_stand_out_at_their_place(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model, image = model_of(), mosaic()
    image[:, 64:96, 32:64] = image[::-1, 64:96, 32:64]
    found = scored(write_image(tmp_path / "i.tif", image, bands=NAMES), model)
    assert found.scores.shape == (4, 6)
    assert np.argwhere(found.scores > BOUND).tolist() == [[2, 1]]
    assert found.share == pytest.approx(1 / 24)
    assert (np.delete(found.scores.ravel(), 13) <= BOUND).all()
    with caplog.at_level(logging.WARNING, "img2height"):
        found.warn("i.tif")
    (message,) = caplog.messages
    assert message.startswith(
        "i.tif: 4.17 % of the image is unlike what the model was trained on (score above 2, largest "
    )
    assert "at 500024, 5799960" in message and " in eo" in message
    found.write(tmp_path / "u.tif")
    with rasterio.open(tmp_path / "u.tif") as raster:
        assert (raster.dtypes, raster.nodata, raster.descriptions) == (("float32",), -9999, ("unfamiliarity",))
        assert raster.res == (16, 16) and raster.bounds[:1] == (500_000,)
        assert np.array_equal(raster.read(1), found.scores)


def test_a_familiar_image_has_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = scored(write_image(tmp_path / "i.tif", mosaic(), bands=NAMES), model_of())
    found.warn("i.tif")
    assert found.share == 0 and not caplog.messages


def test_an_image_may_differ_as_a_whole_though_no_tile_stands_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Noise that is weak beside the contrast of a tile; a few tiles do not suffice."""
    noise = np.random.default_rng(0).normal(0, 2, mosaic().shape)
    image = np.rint(mosaic() + noise).clip(0, 255).astype(np.uint8)
    found = scored(write_image(tmp_path / "i.tif", image, bands=NAMES), model_of())
    assert found.share <= 0.5 < (found.scores > 1).mean() and found.as_a_whole
    found.warn("i.tif")
    assert "i.tif: the image as a whole differs from what the model was trained on" in caplog.messages[-1]
    assert not scored(write_image(tmp_path / "j.tif", image[:, :96], bands=NAMES), model_of()).as_a_whole


def test_missing_pixels_do_not_count_and_empty_tiles_have_no_score(tmp_path: Path) -> None:
    image, valid = mosaic(), np.ones((128, 192), bool)
    whole = scored(write_image(tmp_path / "i.tif", image, bands=NAMES), model_of())
    valid[:32, :32] = valid[32:64, :16] = False
    image[:, ~valid] = 255
    found = scored(write_image(tmp_path / "j.tif", image, bands=NAMES, valid=valid), model_of())
    assert np.isnan(found.scores[0, 0]) and np.isfinite(found.scores).sum() == 23
    assert found.scores[1, 0] < BOUND
    assert np.array_equal(found.scores[:, 1:], whole.scores[:, 1:])


def test_tiles_at_the_end_lie_inside_and_a_small_image_is_one_tile(tmp_path: Path) -> None:
    image = mosaic()[:, :100, :80]
    found = scored(write_image(tmp_path / "i.tif", image, bands=NAMES), model_of())
    assert found.scores.shape == (4, 3)
    moved = scored(write_image(tmp_path / "j.tif", image[:, 68:, 48:], bands=NAMES), model_of())
    assert moved.scores.tolist() == [[found.scores[3, 2]]]
    small = scored(write_image(tmp_path / "k.tif", image[:, :20, :24], bands=NAMES), model_of())
    assert small.scores.shape == (1, 1) and np.isfinite(small.scores).all()


def test_only_the_tiles_of_an_area_are_scored(tmp_path: Path) -> None:
    found = scored(write_image(tmp_path / "i.tif", mosaic(), bands=NAMES), model_of(), area=shapely.box(0, 0, 64, 128))
    assert np.isfinite(found.scores).all(axis=0).tolist() == [True, True, False, False, False, False]


def test_an_optional_layer_that_is_missing_has_no_say(district: Scene) -> None:
    inputs = {"eo": list(NAMES), "dsm_initial": ["dsm"]}
    model = model_of(inputs=inputs, optional=["eo", "dsm_initial"])
    model = with_card(model, dtypes={"eo": "uint8", "dsm_initial": "float32"})
    whole = district.grid.extent
    found = find_familiarity(model, [district], areas(district, ("train", whole)), 0, 64)
    assert [each.layer for each in found.layers] == ["dsm_initial", "eo"]
    less = replace(district, layers={n: each for n, each in district.layers.items() if n != "dsm_initial"})
    only = found.model_copy(update={"layers": found.layers[1:]})
    with open_inputs(model, less) as images, open_inputs(model, district) as both:
        assert np.array_equal(find_unfamiliar(images, found).scores, find_unfamiliar(both, only).scores)
        assert (find_unfamiliar(both, found).scores >= find_unfamiliar(images, found).scores).all()


def test_surfaces_are_compared_without_their_level(district: Scene, tmp_path: Path) -> None:
    """The same surface 500 m higher, on the same grid."""
    inputs = {"dsm_initial": ["dsm"]}
    centred = {"image": "zscore", "height": "patch_centred"}
    model = model_of(inputs={"eo": ["red"], **inputs}, normalisation=centred, target="dsm")
    model = with_card(model, dtypes={"eo": "uint8", "dsm_initial": "float32"})
    found = find_familiarity(model, [district], areas(district, ("train", district.grid.extent)), 0, 64)
    surface = found.model_copy(update={"layers": found.layers[:1]})
    folder = shutil.copytree(district.folder, tmp_path / "scene")
    with open_raster(district.path("dsm_initial")) as raster:
        write_cog(folder / "dsm_initial.tif", raster.read(1) + 500, Grid.of(raster), [Band("dsm", "metre")],
                  nodata=-9999)  # fmt: skip
    layers = {**district.layers, "dsm_initial": SceneLayer.of(folder / "dsm_initial.tif", ["dsm"])}
    with (
        open_inputs(model, district) as images,
        open_inputs(model, replace(district, folder=folder, layers=layers)) as higher,
    ):
        expected = find_unfamiliar(images, surface).scores
        np.testing.assert_allclose(find_unfamiliar(higher, surface).scores, expected, rtol=1e-2)


def predict(model: LoadedModel, image: Path, out: Path, **options: object) -> None:
    predict_image(model, {"eo": image}, out, inference_settings(model), protocol().buildings, **options)


def test_predict_warns_and_writes_the_same_bytes_with_any_threads(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model, image = model_of(), write_image(tmp_path / "i.tif", mosaic()[::-1], bands=NAMES)
    with pytest.raises(ModelError, match=r"has no familiarity\.json"):
        predict(model, image, tmp_path / "h.tif", unfamiliar=tmp_path / "u.tif")
    threads = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            with caplog.at_level(logging.WARNING, "img2height"):
                predict(model, image, tmp_path / f"h{count}.tif", unfamiliar=tmp_path / f"u{count}.tif",
                        familiarity=found_of(model))  # fmt: skip
    finally:
        torch.set_num_threads(threads)
    assert (tmp_path / "u1.tif").read_bytes() == (tmp_path / "u2.tif").read_bytes()
    assert [message.split(" (")[0] for message in caplog.messages if "unlike" in message] == [
        "i.tif: 100 % of the image is unlike what the model was trained on"
    ] * 2


def test_several_images_are_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model, image = model_of(), write_image(tmp_path / "i.tif", mosaic()[::-1], bands=NAMES)
    predict_images(model, {"eo": [image]}, tmp_path / "out", inference_settings(model), familiarity=found_of(model))
    assert any("unlike what the model was trained on" in message for message in caplog.messages)


def test_the_command_line_reads_the_file_of_the_model(tmp_path: Path) -> None:
    folder, sealed_card = tmp_path / "model", model_of().card
    card = {name: getattr(sealed_card, name) for name in sealed_card.model_fields_set - {"weights_sha256"}}
    network = build_network("constant", {"eo": 3}, {})
    save_model(folder, network, network.state_dict(), Card(**card))
    image = write_image(tmp_path / "i.tif", mosaic()[::-1], bands=NAMES)
    call = ["predict", "--model", folder, "--image", image, "--out", tmp_path / "h.tif", "--unfamiliar"]
    done = CliRunner().invoke(app, list(map(str, [*call, tmp_path / "u.tif"])))
    assert done.exit_code != 0 and "has no familiarity.json" in done.output
    write_familiarity(familiarity("b" * 64), folder / FAMILIARITY)
    done = CliRunner().invoke(app, list(map(str, [*call, tmp_path / "u.tif"])))
    assert done.exit_code != 0 and "make it again" in done.output
    write_familiarity(familiarity(file_digest(folder / "model.safetensors")), folder / FAMILIARITY)
    done = CliRunner().invoke(app, list(map(str, [*call, tmp_path / "u.tif"])))
    assert done.exit_code == 0, done.output
    assert "100 % of the image is unlike what the model was trained on" in done.output
    with rasterio.open(tmp_path / "u.tif") as raster:
        assert (raster.read(1) > BOUND).all()
