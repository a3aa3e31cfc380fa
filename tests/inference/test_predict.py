import hashlib
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import shapely
import torch
from inference_cases import Convolutions, Diverged, FirstBand, TooLarge, as_model, noise, windows, write_image

from img2height.errors import DataError, ModelError
from img2height.inference import predict_raster
from img2height.vocabulary.layers import NODATA


def predicted(path: Path) -> np.ndarray:
    with rasterio.open(path) as raster:
        return raster.read(1)


@pytest.mark.parametrize("shape", [(129, 300), (130, 1000), (64, 64), (7, 20), (1, 1), (700, 90), (1024, 64)])
@pytest.mark.parametrize(("multiple", "overlap"), [(1, 0.5), (16, 0.3), (16, 0.0)])
def test_the_identity_returns_the_input_bit_for_bit(
    tmp_path: Path, shape: tuple, multiple: int, overlap: float
) -> None:
    pixels = noise(*shape)
    eo = write_image(tmp_path / "eo.tif", pixels)
    model = as_model(FirstBand(), tile_multiple=multiple)
    predict_raster(model, {"eo": eo}, tmp_path / "out.tif", windows(window_px=64, overlap=overlap, batch_size=3))
    assert (predicted(tmp_path / "out.tif") == pixels).all()


def test_the_result_describes_itself(tmp_path: Path) -> None:
    eo = write_image(tmp_path / "eo.tif", noise(70, 90))
    predict_raster(as_model(FirstBand()), {"eo": eo}, tmp_path / "out.tif", windows(window_px=64))
    with rasterio.open(eo) as image, rasterio.open(tmp_path / "out.tif") as out:
        assert (out.crs, out.transform, out.shape) == (image.crs, image.transform, image.shape)
        assert (out.dtypes, out.nodata, out.units, out.descriptions) == (("float32",), NODATA, ("metre",), ("dsm",))


def test_windows_of_a_convolutional_network_leave_no_seam(tmp_path: Path) -> None:
    pixels, network = noise(300, 210), Convolutions()
    eo = write_image(tmp_path / "eo.tif", pixels)
    predict_raster(as_model(network), {"eo": eo}, tmp_path / "out.tif", windows(window_px=64))
    with torch.inference_mode():
        whole = network({"eo": torch.from_numpy(pixels)[None, None]})["height"][0, 0].numpy()
    assert np.abs(predicted(tmp_path / "out.tif") - whole).max() < 1e-5


def test_an_area_gets_the_values_of_the_whole_and_only_its_windows_are_computed(tmp_path: Path) -> None:
    eo = write_image(tmp_path / "eo.tif", noise(1200, 400))
    predict_raster(as_model(Convolutions()), {"eo": eo}, tmp_path / "whole.tif", windows(window_px=64))
    area = shapely.union(shapely.box(200, 100, 264, 130), shapely.box(150, 1100, 160.4, 1199))
    predict_raster(as_model(Convolutions()), {"eo": eo}, tmp_path / "part.tif", windows(window_px=64), area=area)
    inside = np.zeros((1200, 400), bool)
    inside[100:130, 200:264] = inside[1100:1199, 150:160] = True
    whole, part = predicted(tmp_path / "whole.tif"), predicted(tmp_path / "part.tif")
    assert (part[inside] == whole[inside]).all()
    assert (part[~inside] == NODATA).all()

    counter = FirstBand()
    block = shapely.box(64, 64, 128, 128)
    predict_raster(as_model(counter), {"eo": eo}, tmp_path / "block.tif", windows(window_px=64), area=block)
    assert counter.windows == 9  # half overlaps: three along each axis


def test_an_area_without_a_pixel_is_an_error(tmp_path: Path) -> None:
    eo = write_image(tmp_path / "eo.tif", noise(64, 64))
    with pytest.raises(DataError, match="contains none of its pixels"):
        predict_raster(
            as_model(FirstBand()), {"eo": eo}, tmp_path / "out.tif", windows(), area=shapely.box(900, 0, 990, 90)
        )
    assert not (tmp_path / "out.tif").exists()


def test_an_empty_area_leaves_all_heights_missing_and_no_other_files(tmp_path: Path) -> None:
    eo, network = write_image(tmp_path / "eo.tif", noise(64, 64)), FirstBand()
    predict_raster(as_model(network), {"eo": eo}, tmp_path / "out.tif", windows(), area=shapely.Polygon())
    assert network.windows == 0
    assert (predicted(tmp_path / "out.tif") == NODATA).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["eo.tif", "out.tif"]


def test_missing_pixels_stay_missing_and_empty_windows_are_skipped(tmp_path: Path) -> None:
    pixels, valid = noise(200, 300), np.ones((200, 300), bool)
    valid[50:100, 40:100] = valid[:, 200:] = False
    eo = write_image(tmp_path / "eo.tif", np.abs(pixels).astype(np.uint8), valid=valid)
    network = FirstBand()
    predict_raster(as_model(network, dtype="uint8"), {"eo": eo}, tmp_path / "out.tif", windows(window_px=32, overlap=0))
    out = predicted(tmp_path / "out.tif")
    assert (out[~valid] == NODATA).all()
    assert (out[valid] == np.abs(pixels).astype(np.uint8)[valid]).all()
    assert network.windows == 7 * 7 - 1  # one window lies in the hole, three columns beyond the image


def test_nan_pixels_are_missing(tmp_path: Path) -> None:
    pixels = noise(64, 64)
    pixels[3, 5] = np.nan
    eo = write_image(tmp_path / "eo.tif", pixels)
    predict_raster(as_model(FirstBand()), {"eo": eo}, tmp_path / "out.tif", windows(window_px=64))
    out = predicted(tmp_path / "out.tif")
    assert np.argwhere(out == NODATA).tolist() == [[3, 5]]


def test_heights_above_ground_are_not_negative_and_surface_heights_may_be(tmp_path: Path) -> None:
    pixels = noise(64, 64)
    eo = write_image(tmp_path / "eo.tif", pixels)
    for target, expected in (("ndsm", np.maximum(pixels, 0)), ("dsm", pixels)):
        predict_raster(as_model(FirstBand(), target=target), {"eo": eo}, tmp_path / "out.tif", windows(window_px=64))
        assert (predicted(tmp_path / "out.tif") == expected).all()


def test_the_same_bytes_twice_and_for_any_batch_of_a_pointwise_network(tmp_path: Path) -> None:
    eo = write_image(tmp_path / "eo.tif", noise(150, 600))
    digests = set()
    for batch_size in (1, 1, 4):
        predict_raster(
            as_model(FirstBand()), {"eo": eo}, tmp_path / "out.tif", windows(window_px=64, batch_size=batch_size)
        )
        digests.add(hashlib.sha256((tmp_path / "out.tif").read_bytes()).hexdigest())
    assert len(digests) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["eo.tif", "out.tif"]


def test_a_network_that_returns_nan_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    eo = write_image(tmp_path / "eo.tif", noise(64, 64))
    with pytest.raises(ModelError, match="not finite"):
        predict_raster(as_model(Diverged()), {"eo": eo}, tmp_path / "out.tif", windows(window_px=64))
    assert [path.name for path in tmp_path.iterdir()] == ["eo.tif"]


@pytest.mark.parametrize("outputs", [["height", "footprint"], ["footprint"]])
def test_a_network_without_an_output_of_its_recipe_is_refused(tmp_path: Path, outputs: list[str]) -> None:
    """Otherwise the heights would be written as the probabilities of buildings."""
    eo = write_image(tmp_path / "eo.tif", noise(64, 64))
    loss = [{"name": "cross_entropy"}, *([{"name": "l1"}] if "height" in outputs else [])]
    model = as_model(FirstBand(), outputs=outputs, loss=loss, select="footprint_error")
    with pytest.raises(ModelError, match="does not predict footprint, which its recipe names in outputs"):
        predict_raster(model, {"eo": eo}, tmp_path / "out.tif", windows(window_px=64))


def test_windows_that_exceed_memory_are_refused_with_the_remedy(tmp_path: Path) -> None:
    eo = write_image(tmp_path / "eo.tif", noise(64, 64))
    with pytest.raises(ModelError, match=r"memory of cpu \(tried to allocate 80 GiB\); reduce window_px"):
        predict_raster(as_model(TooLarge()), {"eo": eo}, tmp_path / "out.tif", windows(window_px=64))


def test_reading_stops_after_an_error(tmp_path: Path) -> None:
    """A raster that was closed while another thread read it ended the process."""
    eo = write_image(tmp_path / "eo.tif", noise(64, 6400))
    with pytest.raises(ModelError) as error:
        predict_raster(as_model(Diverged()), {"eo": eo}, tmp_path / "out.tif", windows(window_px=64))
    assert error.tb
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


def test_an_image_in_an_archive_is_refused(tmp_path: Path) -> None:
    eo = write_image(tmp_path / "eo.tif", noise(64, 64))
    with zipfile.ZipFile(tmp_path / "eo.zip", "w") as archive:
        archive.write(eo, "eo.tif")
    rasterio.shutil.copy(f"/vsizip/{tmp_path}/eo.zip/eo.tif", tmp_path / "eo.vrt", driver="VRT")
    with pytest.raises(DataError, match="unpack or copy it"):
        predict_raster(as_model(FirstBand()), {"eo": tmp_path / "eo.vrt"}, tmp_path / "out.tif", windows(window_px=64))


def test_a_window_that_the_network_does_not_accept_is_refused(tmp_path: Path) -> None:
    eo = write_image(tmp_path / "eo.tif", noise(64, 64))
    with pytest.raises(ModelError, match="multiple of 32"):
        predict_raster(as_model(FirstBand(), tile_multiple=32), {"eo": eo}, tmp_path / "out.tif", windows(window_px=80))
