"""A stopped prediction resumes, and one on several devices gives the same result."""

import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import shapely
import torch
from inference_cases import Convolutions, Diverged, Killed, Stops, as_model, noise, windows, write_image
from rio_cogeo.cogeo import cog_validate
from shapely.geometry.base import BaseGeometry
from torch import nn

from img2height.errors import DataError, ModelError
from img2height.inference import predict_raster
from img2height.inference.given import given_scene
from img2height.inference.plan import Task
from img2height.inference.predict import predict_strips
from img2height.inference.strips import Strips
from img2height.vocabulary.layers import NODATA

SHAPE = (1700, 200)  # four strips
OPTIONS = {"settings": windows(batch_size=2), "threads": 1}
WINDOWS = 53 * 6


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_image(tmp_path_factory.mktemp("image") / "eo.tif", noise(*SHAPE))


@pytest.fixture(scope="module")
def whole(image: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    out = tmp_path_factory.mktemp("whole") / "out.tif"
    predict_raster(as_model(Stops()), {"eo": image}, out, **OPTIONS)
    return out.read_bytes()


def strips_of(image: Path, out: Path, network: nn.Module, area: BaseGeometry | None = None) -> Strips:
    """Return the strips that `predict_raster` keeps for a raster."""
    model = as_model(network)
    scene = given_scene(model.recipe.inputs, {"eo": image})
    task = Task(model, scene, (), OPTIONS["settings"], out.with_name(f"{out.name}.strips"), area)
    return predict_strips(task, threads=OPTIONS["threads"])


def stopped(image: Path, out: Path, after: int = 200, **changed: object) -> list[str]:
    """Stop a prediction and return the files that it left."""
    with pytest.raises(SystemExit):
        predict_raster(as_model(Stops(after)), {"eo": image}, out, **OPTIONS, **changed)
    assert not out.exists()
    return sorted(path.name for path in (out.parent / "out.tif.strips").iterdir())


def test_it_resumes_after_a_stop_and_gives_the_same_bytes(image: Path, whole: bytes, tmp_path: Path) -> None:
    out = tmp_path / "out.tif"
    assert stopped(image, out) == ["0.npy", "512.npy", "record.json"]
    network = Stops()
    predict_raster(as_model(network), {"eo": image}, out, **OPTIONS)
    assert out.read_bytes() == whole
    assert network.windows == WINDOWS - 31 * 6  # the rows of windows that reach into the last two strips
    assert list(tmp_path.iterdir()) == [out]


def test_only_a_missing_strip_is_made_again(image: Path, whole: bytes, tmp_path: Path) -> None:
    strips = strips_of(image, tmp_path / "out.tif", Stops())
    strips.path(512).unlink()
    with pytest.raises(DataError, match="1 of 4 strips are missing"):
        strips.write(tmp_path / "out.tif")
    with pytest.raises(DataError, match="1 of 4 strips are missing"):
        strips.write_bands(slice(1), tmp_path / "out.tif")
    network = Stops()
    predict_raster(as_model(network), {"eo": image}, tmp_path / "out.tif", **OPTIONS)
    assert network.windows == 17 * 6
    assert (tmp_path / "out.tif").read_bytes() == whole


@pytest.mark.parametrize("change", ["weights", "image", "overlap", "area", "threads", "normalisation", "recipe"])
def test_another_prediction_starts_over(image: Path, tmp_path: Path, change: str) -> None:
    copy = write_image(tmp_path / "eo.tif", noise(*SHAPE))
    stopped(copy, tmp_path / "out.tif")
    network, options, scale, target = Stops(), dict(OPTIONS), 1.0, "dsm"
    if change == "weights":
        with torch.no_grad():
            network.net[0].weight[0, 0, 0, 0] += 1e-3
    elif change == "image":
        os.utime(copy, ns=(0, 1))
    elif change == "normalisation":
        scale = 1.5
    elif change == "recipe":
        target = "ndsm"
    elif change == "overlap":
        options["settings"] = windows(batch_size=2, overlap=0.49)
    else:
        options[change] = {"area": shapely.box(0, 0, 200, 1690), "threads": 2}[change]
    model = as_model(network, scale=scale, target=target)
    predict_raster(model, {"eo": copy}, tmp_path / "again.tif", **options)
    network.windows = 0
    predict_raster(model, {"eo": copy}, tmp_path / "out.tif", **options)
    assert network.windows >= WINDOWS
    assert (tmp_path / "out.tif").read_bytes() == (tmp_path / "again.tif").read_bytes()


def test_a_changed_part_of_a_mosaic_of_mosaics_starts_over(tmp_path: Path) -> None:
    part = write_image(tmp_path / "eo.tif", noise(*SHAPE))
    for name, of in (("inner.vrt", part), ("outer.vrt", tmp_path / "inner.vrt")):
        rasterio.shutil.copy(of, tmp_path / name, driver="VRT")
    stopped(tmp_path / "outer.vrt", tmp_path / "out.tif")
    os.utime(part, ns=(0, 1))
    network = Stops()
    predict_raster(as_model(network), {"eo": tmp_path / "outer.vrt"}, tmp_path / "out.tif", **OPTIONS)
    assert network.windows >= WINDOWS


def test_an_error_leaves_the_finished_strips(image: Path, tmp_path: Path) -> None:
    assert stopped(image, tmp_path / "out.tif", after=120) == ["0.npy", "record.json"]
    (tmp_path / "out.tif.strips/0.npy").unlink()
    with pytest.raises(SystemExit):
        predict_raster(as_model(Stops(10)), {"eo": image}, tmp_path / "out.tif", **OPTIONS)
    assert list(tmp_path.iterdir()) == []


def test_an_area_is_cut_from_the_same_strips(image: Path, whole: bytes, tmp_path: Path) -> None:
    area = shapely.union(shapely.box(70, 100, 130, 140), shapely.box(100, 1600, 160, 1690))
    with rasterio.MemoryFile(whole) as memory, memory.open() as raster:
        expected = np.full(SHAPE, NODATA, np.float32)
        for rows, columns in ((slice(100, 140), slice(70, 130)), (slice(1600, 1690), slice(100, 160))):
            expected[rows, columns] = raster.read(1)[rows, columns]
    strips = strips_of(image, tmp_path / "out.tif", Convolutions(), area)
    assert strips.tops == [0, 1536]
    strips.write(tmp_path / "out.tif")
    strips.write_bands(slice(1), tmp_path / "cog.tif")
    for name in ("out.tif", "cog.tif"):
        with rasterio.open(tmp_path / name) as raster:
            assert (raster.read(1) == expected).all()
            assert (raster.nodata, raster.descriptions, raster.units) == (NODATA, ("dsm",), ("metre",))
    assert cog_validate(tmp_path / "cog.tif", quiet=True)[0]


def test_without_an_area_all_heights_are_missing(image: Path, tmp_path: Path) -> None:
    strips = strips_of(image, tmp_path / "out.tif", Convolutions(), shapely.Polygon())
    strips.write_bands(slice(1), tmp_path / "none.tif")
    with rasterio.open(tmp_path / "none.tif") as raster:
        assert (raster.read(1) == NODATA).all()


def test_two_devices_give_the_same_bytes_and_a_bar(image, whole, tmp_path, capfd) -> None:
    out = tmp_path / "out.tif"
    assert stopped(image, out, after=120) == ["0.npy", "record.json"]
    predict_raster(as_model(Stops()), {"eo": image}, out, devices=["cpu", "cpu"], progress=True, **OPTIONS)
    assert out.read_bytes() == whole
    assert "100%" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == [out]


def test_a_killed_process_is_reported_and_its_finished_strips_are_used(image, whole, tmp_path) -> None:
    out, folder = tmp_path / "out.tif", tmp_path / "out.tif.strips"
    with pytest.raises(ModelError, match=r"process of cpu was killed .*SIGKILL.* run the same command again"):
        predict_raster(as_model(Killed(130)), {"eo": image}, out, devices=["cpu", "cpu"], **OPTIONS)
    assert {path.name for path in folder.glob("*.npy")} <= {"0.npy", "1024.npy"}
    assert list(folder.glob("*.npy"))
    network = Killed(10_000)
    predict_raster(as_model(network), {"eo": image}, out, **OPTIONS)
    assert network.left > 10_000 - WINDOWS
    assert out.read_bytes() == whole


def test_an_error_on_a_device_is_raised_by_the_call(image: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cpu: the network returns values that are not finite"):
        predict_raster(as_model(Diverged()), {"eo": image}, tmp_path / "out.tif", devices=["cpu", "cpu"], **OPTIONS)
    assert list(tmp_path.iterdir()) == []
