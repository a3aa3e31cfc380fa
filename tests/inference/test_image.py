import logging
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import rasterio.shutil
import torch
from affine import Affine
from calibration_cases import calibration
from inference_cases import RECIPE, FirstBand, as_model, noise, with_card, write_image
from model_cases import card_of, sealed
from rasterio.crs import CRS
from torch import Tensor, nn

from img2height.buildings.polygons import COLUMNS
from img2height.errors import DataError, ModelError, SettingsError
from img2height.inference import image as steps
from img2height.inference.defaults import inference_settings, protocol
from img2height.inference.given import Given
from img2height.inference.image import predict_image
from img2height.inference.rescaled import trained_grid
from img2height.io.grid import Grid
from img2height.io.origins import PretrainedEncoder
from img2height.io.vectors import read_polygons
from img2height.models.folder import LoadedModel
from img2height.samples.normalise import Normalisation
from img2height.settings.parsing import parse, read_yaml
from img2height.settings.protocol import Params
from img2height.vocabulary.layers import NODATA

BANDS = ("red", "green", "blue", "nir")


class Heads(nn.Module):
    """The first band is the height, the second above 0 is building, the third above 0 is a wall between buildings."""

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        height, *logits = inputs["eo"].split(1, dim=1)
        classes = zip(("footprint", "wall"), logits, strict=False)
        return {"height": height, **{name: torch.cat([-logit, logit], dim=1) for name, logit in classes}}


class Scaled(FirstBand):
    """Twice the first band."""

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"height": 2 * super().forward(inputs)["height"]}


class FirstOfRadar(nn.Module):
    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"height": inputs["sar"][:, :1]}


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def town(path: Path, bands: tuple[str, ...] = BANDS) -> Path:
    """Write a house of 8 m and 20 x 20 px, and a tree of 9 m; red is the height."""
    image = np.zeros((4, 64, 80), np.float32)
    image[0, 10:30, 10:30], image[0, 40:60, 40:60] = 8, 9
    image[3, 40:60, 40:60] = 50
    return write_image(path, image[: len(bands)], bands=bands)


def predict(model: LoadedModel, given: Given, out: Path, buildings: Path | None = None, **changes: object) -> None:
    """Predict as the command line does."""
    predict_image(model, given, out, inference_settings(model, **changes), protocol().buildings, buildings=buildings)


@pytest.mark.parametrize("name", ["b.gpkg", "b.parquet"])
def test_houses_become_polygons_and_trees_do_not(tmp_path, name, caplog):
    model = as_model(FirstBand(), target="ndsm")
    with caplog.at_level(logging.INFO, "img2height"):
        predict(model, {"eo": town(tmp_path / "i.tif")}, tmp_path / "h.tif", tmp_path / name)
    found = read_polygons(tmp_path / name, "buildings")
    assert set(found.columns) > {*COLUMNS}
    assert found.loc[0, ["method", "scene", "model"]].tolist() == [
        model.card.method, "given/i.tif", model.card.weights_sha256[:12],
    ]  # fmt: skip
    assert found["licence"].isna().all()  # a raster does not state it
    assert found[["building_id", "height_m", "area_m2"]].to_numpy().tolist() == [[1, 8, 100]]
    assert found.total_bounds.tolist() == [500_005, 5_800_000 - 15, 500_015, 5_800_000 - 5]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "h.tif", "i.tif"])
    assert caplog.messages == ["extracting the buildings"]


def test_a_calibrated_model_writes_intervals_of_heights_and_buildings(tmp_path):
    """The house of 8 m has 3 m below and 4 m above, the ground 1 m and 2 m."""
    out = {"buildings": tmp_path / "b.parquet", "intervals": tmp_path / "i.tif"}
    model, given = as_model(FirstBand(), target="ndsm"), {"eo": town(tmp_path / "eo.tif")}
    with pytest.raises(ModelError, match=r"has no calibration\.json"):
        predict_image(model, given, tmp_path / "h.tif", inference_settings(model), protocol().buildings, **out)
    assert [path.name for path in tmp_path.iterdir()] == ["eo.tif"]
    predict_image(
        model, given, tmp_path / "h.tif", inference_settings(model), protocol().buildings, **out,
        calibration=calibration(),
    )  # fmt: skip
    with rasterio.open(out["intervals"]) as raster:
        assert raster.read()[:, 15, 15].tolist() == [5, 12]
        assert raster.read()[:, 0, 0].tolist() == [0, 2]
    found = geopandas.read_parquet(out["buildings"])
    assert found[["height_m", "height_low_m", "height_high_m"]].to_numpy().tolist() == [[8, 5, 12]]


def test_without_colours_only_the_height_decides_and_a_warning_is_logged(tmp_path, caplog):
    image, out = town(tmp_path / "i.tif", ("red",)), tmp_path / "b.parquet"
    predict(as_model(FirstBand(), target="ndsm"), {"eo": image}, tmp_path / "h.tif", out)
    assert geopandas.read_parquet(out).height_m.tolist() == [8, 9]
    assert "show no vegetation" in caplog.messages[-1]


def test_bands_without_names_are_those_of_the_model(tmp_path):
    inputs = {"eo": ["red", "nir"]}
    image = np.zeros((2, 64, 80), np.float32)
    image[0, 10:30, 10:30], image[:, 40:60, 40:60] = 8, np.array([9, 50])[:, None, None]
    path = write_image(tmp_path / "i.tif", image, bands=("", ""))
    model = as_model(FirstBand(), target="ndsm", inputs=inputs)
    predict(model, {"eo": path}, tmp_path / "h.tif", tmp_path / "b.parquet")
    assert geopandas.read_parquet(tmp_path / "b.parquet").height_m.tolist() == [8]


def test_footprints_of_the_model_decide_alone(tmp_path):
    image = np.zeros((2, 64, 80), np.float32)
    image[0], image[1] = 1.5, -3
    image[1, 5:15, 5:25] = 3
    path = write_image(tmp_path / "i.tif", image, bands=("red", "nir"))
    two = {"outputs": ["height", "footprint"], "loss": [{"name": "l1"}, {"name": "cross_entropy"}]}
    model = as_model(Heads(), target="ndsm", inputs={"eo": ["red", "nir"]}, **two)
    predict(model, {"eo": path}, tmp_path / "h.tif", tmp_path / "b.parquet")
    found = geopandas.read_parquet(tmp_path / "b.parquet")
    assert found[["height_m", "area_m2"]].to_numpy().tolist() == [[1.5, 50]]
    with rasterio.open(tmp_path / "h.tif") as raster:
        assert raster.descriptions == ("ndsm", "building_probability")


def test_walls_of_the_model_divide_its_footprints(tmp_path):
    image = np.full((3, 64, 80), -3, np.float32)
    image[0] = 6
    image[1, 10:30, 10:60], image[2, 8:32, 33:37] = 3, 3
    path = write_image(tmp_path / "i.tif", image, bands=BANDS[:3])
    terms = [{"name": "l1"}, {"name": "dice"}, {"name": "dice", "of": "wall"}]
    heads = {"outputs": ["height", "footprint", "wall"], "loss": terms}
    model = as_model(Heads(), target="ndsm", inputs={"eo": list(BANDS[:3])}, **heads)
    predict(model, {"eo": path}, tmp_path / "h.tif", tmp_path / "b.parquet")
    assert geopandas.read_parquet(tmp_path / "b.parquet").area_m2.tolist() == [125, 125]
    with rasterio.open(tmp_path / "h.tif") as raster:
        assert raster.descriptions == ("ndsm", "building_probability", "wall_probability")


def test_surface_heights_give_no_buildings(tmp_path):
    image, network = write_image(tmp_path / "i.tif", noise(64, 80)), FirstBand()
    with pytest.raises(ModelError, match="predicts dsm, but buildings need heights above ground"):
        predict(as_model(network), {"eo": image}, tmp_path / "h.tif", tmp_path / "b.gpkg")
    assert network.windows == 0
    assert [path.name for path in tmp_path.iterdir()] == ["i.tif"]


def test_an_image_on_another_grid_shows_no_vegetation(tmp_path):
    sar = write_image(tmp_path / "s.tif", noise(64, 80), bands=("hh",))
    model = as_model(FirstBand(), target="ndsm")
    radar = model.recipe.model_copy(update={"inputs": {"sar": ["hh"]}})
    model = with_card(model, recipe=radar, dtypes={"sar": "float32"})
    given = {"sar": sar, "eo": write_image(tmp_path / "i.tif", noise(64, 81))}
    with pytest.raises(DataError, match="different grids"):
        predict(model, given, tmp_path / "h.tif", tmp_path / "b.gpkg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["i.tif", "s.tif"]


def killed(monkeypatch: pytest.MonkeyPatch, *args: object) -> None:
    """Predict, and be killed after the heights and before the buildings."""

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(steps, "extract_scene", kill)
        predict(*args)


def test_the_same_call_resumes_and_a_different_one_starts_over(tmp_path, monkeypatch, caplog):
    image, out, polygons = town(tmp_path / "i.tif"), tmp_path / "h.tif", tmp_path / "b.gpkg"
    folder, network = tmp_path / ".h.tif.scratch", FirstBand()
    model = as_model(network, target="ndsm")
    for _ in range(2):
        killed(monkeypatch, model, {"eo": image}, out, polygons)
        assert (folder / "0.npy").exists()
        assert not out.exists()
        assert network.windows == 1
    caplog.clear()  # a program that ran before in this process may have made the killed ones log
    with caplog.at_level(logging.INFO, "img2height"):
        predict(model, {"eo": image}, out, polygons)
    assert network.windows == 1
    assert "resuming" in caplog.messages[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.gpkg", "h.tif", "i.tif"]
    killed(monkeypatch, model, {"eo": image}, out, polygons)
    other = noise(64, 80)
    write_image(image, other)
    predict(model, {"eo": image}, out)
    assert network.windows == 3
    with rasterio.open(out) as raster:
        assert (raster.read(1) == other.clip(min=0)).all()


def test_a_changed_tile_of_a_mosaic_and_another_model_start_over(tmp_path, monkeypatch):
    tile, out = town(tmp_path / "tile.tif"), tmp_path / "h.tif"
    rasterio.shutil.copy(tile, image := tmp_path / "i.vrt", driver="VRT")
    for network in (FirstBand(), Scaled()):
        killed(monkeypatch, as_model(network, target="ndsm"), {"eo": image}, out, tmp_path / "b.gpkg")
        assert network.windows == 1
    other = np.stack([noise(64, 80)] * 4)
    write_image(tile, other, bands=BANDS)
    network = Scaled()
    predict(as_model(network, target="ndsm"), {"eo": image}, out)
    assert network.windows == 1
    with rasterio.open(out) as raster:
        assert (raster.read(1) == 2 * other[0].clip(min=0)).all()


def test_a_surface_with_an_invalid_view_is_not_filled_and_leaves_no_files(tmp_path, caplog):
    holed = np.full((64, 80), 50, np.float32)
    holed[20:30, 20:30] = NODATA
    for name in ("dsm", "view"):
        write_image(tmp_path / f"{name}.tif", holed if name == "dsm" else holed[:, :70].astype(np.uint8), unit="metre")
    normalisation = Normalisation({"views": {"first": (0.0, 1.0)}}, "patch_centred", 0.0, 1.0)
    card = card_of("resdepth_mono", normalisation, dtypes={"dsm_initial": "float32", "views": "uint8"})
    model = LoadedModel(FirstBand(), sealed(card))
    given = {"dsm_initial": tmp_path / "dsm.tif", "views": [tmp_path / "view.tif"]}
    with pytest.raises(ModelError, match="different pixel grids"), caplog.at_level(logging.INFO, "img2height"):
        predict(model, given, tmp_path / "h.tif")
    assert caplog.messages == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dsm.tif", "view.tif"]


@pytest.mark.parametrize("degrees", [30, 90])
def test_a_rotated_image_has_the_same_buildings(tmp_path, degrees):
    found = []
    for angle in (0, degrees):
        image = town(tmp_path / "i.tif")
        with rasterio.open(image, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as raster:
            raster.transform = raster.transform @ Affine.rotation(angle)
        predict(as_model(FirstBand(), target="ndsm"), {"eo": image}, tmp_path / "h.tif", tmp_path / "b.parquet")
        found.append(geopandas.read_parquet(tmp_path / "b.parquet"))
    assert len(found[0]) == len(found[1]) == 1
    assert found[1].area_m2.tolist() == pytest.approx(found[0].area_m2.tolist())


def test_windows_are_the_tiles_of_the_training(tmp_path):
    image, network = write_image(tmp_path / "i.tif", noise(128, 128)), FirstBand()
    model = with_card(as_model(network), tile_px=64)
    predict(model, {"eo": image}, tmp_path / "h.tif", overlap=0.0)
    assert network.windows == 4
    predict(model, {"eo": image}, tmp_path / "h.tif", overlap=0.0, window_px=128)
    assert network.windows == 5


@pytest.mark.parametrize("changes", [{"window_px": 100}, {"window_px": 0}, {"overlap": 0.9}, {"overlap": -0.1}])
def test_invalid_windows_are_refused(changes):
    with pytest.raises(SettingsError, match=next(iter(changes))):
        inference_settings(as_model(FirstBand()), **changes)


def test_the_protocol_is_that_of_the_checkout(tmp_path, monkeypatch):
    expected = parse(Params, read_yaml(Path(__file__).parents[2] / "params.yaml"), "params")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("model: {depth: 4}\n")  # of somebody's other project
    assert protocol() == expected


def test_an_image_without_valid_pixels_is_an_error_and_leaves_no_files(tmp_path):
    image = write_image(tmp_path / "eo.tif", np.zeros((64, 80), np.float32), valid=np.zeros((64, 80), bool))
    with pytest.raises(DataError, match="no pixel is valid"):
        predict(as_model(FirstBand(), target="ndsm"), {"eo": image}, tmp_path / "h.tif")
    assert [path.name for path in tmp_path.iterdir()] == ["eo.tif"]


def test_a_map_that_stretches_lengths_is_refused(tmp_path):
    image = write_image(tmp_path / "eo.tif", noise(64, 80), epsg=3857, corner=(1_500_000, 6_800_000))
    with pytest.raises(DataError, match=r"1\.62\d m on the map .* EPSG:32633"):
        predict(as_model(FirstBand(), target="ndsm"), {"eo": image}, tmp_path / "h.tif")


def test_the_compression_can_be_one_that_any_program_reads(tmp_path):
    model, image = as_model(FirstBand(), target="ndsm"), town(tmp_path / "i.tif")
    for compress in ("zstd", "deflate"):
        out = tmp_path / f"{compress}.tif"
        predict_image(model, {"eo": image}, out, inference_settings(model), protocol().buildings, compress=compress)
    with rasterio.open(tmp_path / "zstd.tif") as one, rasterio.open(tmp_path / "deflate.tif") as other:
        assert (one.compression.name, other.compression.name) == ("zstd", "deflate")
        assert (one.read() == other.read()).all()


def values_of_training(model: LoadedModel, mean: float, deviation: float) -> LoadedModel:
    """Return a model whose card has these statistics of its only band."""
    normalisation = Normalisation({"eo": {"red": (mean, deviation)}}, "metre", 0.0, 1.0)
    return with_card(model, normalisation=normalisation)


@pytest.mark.parametrize(("factor", "warned"), [(1, False), (1.5, False), (16, True), (1 / 16, True)])
def test_an_image_of_another_range_than_in_training_is_warned_of(tmp_path, caplog, factor, warned):
    image = (np.random.default_rng(0).normal(300, 60, (64, 80)) * factor).clip(0, 65535).astype(np.uint16)
    model = values_of_training(as_model(FirstBand(), dtype="uint16"), 300, 60)
    predict(model, {"eo": write_image(tmp_path / "i.tif", image)}, tmp_path / "h.tif")
    said = [message for message in caplog.messages if "band red of eo" in message]
    assert len(said) == warned
    assert not warned or float(said[0].split("mean is ")[1].split()[0]) == pytest.approx(image.mean(), rel=0.01)


def test_an_image_of_zeros_is_refused(tmp_path):
    network, image = FirstBand(), write_image(tmp_path / "i.tif", np.zeros((64, 80), np.uint8))
    with pytest.raises(DataError, match="all valid pixels of eo are 0"):
        predict(as_model(network, dtype="uint8"), {"eo": image}, tmp_path / "h.tif")
    assert network.windows == 0
    assert [path.name for path in tmp_path.iterdir()] == ["i.tif"]


def test_the_raster_says_what_made_it(tmp_path):
    encoder = PretrainedEncoder(encoder="lite", source="a package", sha256="0", licence="CC BY-NC 4.0")
    model = with_card(as_model(FirstBand()), pretrained=encoder)
    given = write_image(tmp_path / "i.tif", noise(32, 32), gsd=1.0)
    predict(model, {"eo": given}, tmp_path / "h.tif", window_px=32)
    with rasterio.open(tmp_path / "h.tif") as heights:
        tags = {key.removeprefix("IMG2HEIGHT_"): value for key, value in heights.tags().items()}
    assert tags["METHOD"] == "FirstBand"
    assert tags["MODEL_SHA256"] == model.card.weights_sha256
    assert tags["INPUTS"] == "eo i.tif"
    assert tags["LICENCES"] == "encoder lite: CC BY-NC 4.0"
    assert tags["TERMS"] == "not for commercial use: the licence of encoder lite does not allow it"


@pytest.mark.parametrize(("gsd", "shape"), [(0.25, (32, 40)), (0.8, (103, 128)), (1.0, (128, 160))])
def test_another_pixel_size_is_resampled_to_that_of_the_training(tmp_path, caplog, gsd, shape):
    """The model, trained at 0.5 m, gives the first band; west is 10, east is 20, so that the edge stays in place."""
    image = np.full((1, 64, 80), 10, np.float32)
    image[:, :, 40:] = 20
    given = write_image(tmp_path / "i.tif", image, gsd=gsd)
    with caplog.at_level(logging.WARNING):
        predict(as_model(FirstBand()), {"eo": given}, tmp_path / "h.tif", window_px=32)
    assert f"resampled from pixels of {gsd:.3g} m to those of the training, 0.5 m" in caplog.text
    with rasterio.open(tmp_path / "h.tif") as heights:
        assert (heights.shape, heights.res) == (shape, (0.5, 0.5))
        assert heights.transform @ (0, 0) == (500_000, 5_800_000)
        values, edge = heights.read(1), 40 * gsd / 0.5
    assert values[10, : int(edge) - 2] == pytest.approx(10)
    assert values[10, int(edge) + 2 : int(edge) + 20] == pytest.approx(20)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["h.tif", "i.tif"]


@pytest.mark.parametrize(("gsd", "size"), [(0.65, 300), (0.65, 150), (0.3, 100)])
def test_resampling_adds_no_row_beyond_the_extent(gsd, size):
    grid = Grid(CRS.from_epsg(32633), Affine(gsd, 0, 500_000, 0, -gsd, 5_800_000), size, size)
    found = trained_grid(grid, 0.5)
    assert (found.width, found.height) == (round(size * gsd / 0.5),) * 2


def test_a_resumed_prediction_takes_vegetation_from_its_own_image(tmp_path, monkeypatch):
    """The model reads the radar; the image, all green in the call that is killed, only serves the buildings."""
    recipe = RECIPE | {"inputs": {"sar": ["vv"]}, "target": "ndsm"}
    card = card_of(recipe, Normalisation({"sar": {"vv": (0.0, 1.0)}}, "metre", 0.0, 1.0), dtypes={"sar": "float32"})
    model = LoadedModel(FirstOfRadar(), sealed(card))
    house = np.zeros((80, 80), np.float32)
    house[20:50, 20:50] = 8
    given = {"sar": write_image(tmp_path / "sar.tif", house, bands=("vv",), gsd=0.65)}
    colours = ("red", "green", "blue", "nir")
    green, grey = np.full((2, 4, 80, 80), 10, np.float32)
    green[3] = 50
    summer = write_image(tmp_path / "summer.tif", green, bands=colours, gsd=0.65)
    winter = write_image(tmp_path / "winter.tif", grey, bands=colours, gsd=0.65)
    out, buildings = tmp_path / "h.tif", tmp_path / "b.parquet"
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(steps, "find_buildings", interrupt)
        predict(model, given | {"eo": summer}, out, buildings, window_px=64)
    predict(model, given | {"eo": winter}, out, buildings, window_px=64)
    assert len(geopandas.read_parquet(buildings)) == 1


@pytest.mark.parametrize(("epsg", "side"), [(32633, 0.25), (3089, 0.821)])
def test_smaller_pixels_are_averaged_in_metres_and_in_feet(tmp_path, epsg, side):
    """Stripes of one pixel, 0 and 200, become about 100."""
    stripes = np.zeros((1, 64, 80), np.float32)
    stripes[:, :, ::2] = 200
    corner = (5_300_000, 3_900_000) if epsg == 3089 else (500_000, 5_800_000)
    given = write_image(tmp_path / "i.tif", stripes, epsg=epsg, gsd=side, corner=corner)
    predict(as_model(FirstBand()), {"eo": given}, tmp_path / "h.tif", window_px=32)
    with rasterio.open(tmp_path / "h.tif") as heights:
        assert heights.read(1)[5:25, 5:35] == pytest.approx(100, abs=2)


def test_bands_without_a_name_do_not_matter_to_resampling(tmp_path):
    image = np.repeat(np.array([10, 20], np.float32), 64 * 80).reshape(2, 64, 80)
    given = write_image(tmp_path / "i.tif", image, gsd=0.8, bands=("red", ""))
    predict(as_model(FirstBand()), {"eo": given}, tmp_path / "h.tif", window_px=32)
    with rasterio.open(tmp_path / "h.tif") as heights:
        assert heights.read(1)[10] == pytest.approx(10)


@pytest.mark.parametrize("gsd", [0.2, 1.1])
def test_more_than_twice_another_pixel_size_is_refused(tmp_path, gsd):
    given = write_image(tmp_path / "i.tif", noise(32, 32), gsd=gsd)
    with pytest.raises(ModelError, match=r"trained at 0\.5 m; resample it first"):
        predict(as_model(FirstBand()), {"eo": given}, tmp_path / "h.tif")


def test_a_wrong_type_is_refused_before_anything_is_resampled(tmp_path):
    given = write_image(tmp_path / "i.tif", noise(32, 32), gsd=1.0)
    with pytest.raises(ModelError, match="its pixels are float32, but the model was trained on uint8"):
        predict(as_model(FirstBand(), dtype="uint8"), {"eo": given}, tmp_path / "h.tif")
    assert [path.name for path in tmp_path.iterdir()] == ["i.tif"]


def test_buildings_have_the_pixels_of_the_training(tmp_path):
    """A house of 8 m and 10 x 10 m in an image of 1 m is found where it is, of its size."""
    image = np.zeros((4, 64, 80), np.float32)
    image[0, 10:20, 10:20] = 8
    given = write_image(tmp_path / "i.tif", image, bands=BANDS, gsd=1.0)
    predict(as_model(FirstBand(), target="ndsm"), {"eo": given}, tmp_path / "h.tif", tmp_path / "b.parquet")
    (house,) = geopandas.read_parquet(tmp_path / "b.parquet").geometry
    assert house.bounds == pytest.approx((500_010, 5_799_980, 500_020, 5_799_990), abs=0.5)
