from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import rasterio
from inference_cases import FirstBand, as_model, noise, write_image
from rasterio.enums import ColorInterp

from img2height.errors import DataError, ModelError
from img2height.inference.given import Given, given_scene
from img2height.inference.inputs import ModelInputs, open_inputs
from img2height.models.folder import LoadedModel

RGB = {"eo": ["red", "green", "blue"]}


def ramp(bands: int) -> np.ndarray:
    return np.arange(bands, dtype=np.uint8)[:, None, None] * np.ones((1, 16, 16), np.uint8)


def bands_of(path: Path, wanted: list[str]) -> list[int]:
    """Return the indexes of the bands that are read for names."""
    return given_scene({"eo": wanted}, {"eo": path}).band_indexes("eo", wanted)


def opened(model: LoadedModel, given: Given) -> AbstractContextManager[ModelInputs]:
    return open_inputs(model, given_scene(model.recipe.inputs, given))


def test_bands_are_found_by_description_in_any_order(tmp_path: Path) -> None:
    path = write_image(tmp_path / "eo.tif", ramp(4), bands=("nir", "Blue", "green", "red"))
    assert bands_of(path, ["red", "green", "blue"]) == [4, 3, 2]


def test_undescribed_bands_are_taken_in_order_without_alpha(tmp_path: Path) -> None:
    path = write_image(tmp_path / "eo.tif", ramp(4), bands=("", "", "", ""))
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as raster:
        raster.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    assert bands_of(path, ["red", "green", "blue"]) == [1, 2, 3]


@pytest.mark.parametrize("bands", [("", ""), ("nir", "red", "green"), ("",) * 5])
def test_other_bands_are_refused_with_what_was_found(tmp_path: Path, bands: tuple) -> None:
    path = write_image(tmp_path / "eo.tif", ramp(len(bands)), bands=bands)
    with pytest.raises(DataError, match="needs the bands red, green, blue, found"):
        bands_of(path, ["red", "green", "blue"])


@pytest.mark.parametrize(("layer", "band"), [("dsm_initial", "dsm"), ("views", "first")])
def test_the_band_of_a_single_band_raster_need_not_be_named(tmp_path: Path, layer: str, band: str, caplog) -> None:
    path = write_image(tmp_path / "one.tif", noise(16, 16), bands=("Höhe",), unit="metre")
    inputs = {layer: [band]}
    scene = given_scene(inputs, {layer: [path] if layer == "views" else path})
    assert [layer.bands for layer in scene.layers.values()] == [["pan" if layer == "views" else "dsm"]]
    assert caplog.messages == []
    two = write_image(tmp_path / "two.tif", ramp(2), bands=("", ""), unit="metre")
    with pytest.raises(DataError, match="2 bands instead of one"):
        given_scene(inputs, {layer: [two] if layer == "views" else two})


@pytest.mark.parametrize(("gsd", "fits"), [(0.4, True), (0.62, True), (0.63, False), (0.37, False), (1.0, False)])
def test_another_ground_sampling_distance_is_refused_with_the_remedy(tmp_path: Path, gsd: float, fits: bool) -> None:
    path = write_image(tmp_path / "eo.tif", noise(16, 16), gsd=gsd)
    if fits:
        with opened(as_model(FirstBand()), {"eo": path}) as images:
            assert images.scene.grid.gsd_m == gsd
        return
    with (
        pytest.raises(ModelError, match=r"gdalwarp -r average -tr 0\.5 0\.5"),
        opened(as_model(FirstBand()), {"eo": path}),
    ):
        pass


def test_feet_are_not_taken_for_metres(tmp_path: Path) -> None:
    carolina = {"epsg": 2264, "corner": (2_000_000, 600_000)}  # US survey feet
    path = write_image(tmp_path / "eo.tif", noise(16, 16), gsd=0.5 / 0.3048, **carolina)
    with opened(as_model(FirstBand()), {"eo": path}):
        pass
    path = write_image(tmp_path / "feet.tif", noise(16, 16), gsd=0.5, **carolina)
    with pytest.raises(ModelError, match=r"0\.152 x 0\.152 m"), opened(as_model(FirstBand()), {"eo": path}):
        pass


def test_degrees_are_refused(tmp_path: Path) -> None:
    path = write_image(tmp_path / "eo.tif", noise(16, 16), epsg=4326, gsd=1e-5, corner=(15.0, 52.0))
    with pytest.raises(DataError, match=r"degrees.*EPSG:32633"), opened(as_model(FirstBand()), {"eo": path}):
        pass


def test_another_data_type_is_refused_naming_both(tmp_path: Path) -> None:
    path = write_image(tmp_path / "eo.tif", ramp(1)[0].astype(np.uint16))
    model = as_model(FirstBand(), dtype="uint8")
    with pytest.raises(ModelError, match="uint16, but the model was trained on uint8"), opened(model, {"eo": path}):
        pass


def test_missing_layers_and_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="give a raster for eo"):
        given_scene({"eo": ["red"]}, {})
    with (
        pytest.raises(DataError, match="does not exist"),
        opened(as_model(FirstBand()), {"eo": tmp_path / "no.tif"}),
    ):
        pass


@pytest.mark.parametrize(
    ("layer", "given", "said"),
    [
        ("views", Path("view.tif"), "layer views: needs a list of paths"),
        ("dsm_initial", [Path("dsm.tif")], "layer dsm_initial: needs one path"),
        ("dsm_initial", "dsm.tif", "layer dsm_initial: needs one path"),
    ],
)
def test_one_raster_for_views_and_several_for_another_layer_are_refused(layer: str, given: object, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        given_scene({layer: ["first"]}, {layer: given})


def test_windows_beyond_the_image_are_reflected(tmp_path: Path) -> None:
    pixels = np.arange(12, dtype=np.float32).reshape(3, 4)
    with opened(as_model(FirstBand()), {"eo": write_image(tmp_path / "eo.tif", pixels)}) as images:
        window = images.read(0, 0, 6)
    assert window.inputs["eo"][0].tolist() == np.pad(pixels, ((0, 3), (0, 2)), "reflect").tolist()
    assert window.valid.all()
