import shutil
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.windows import Window
from typer.testing import CliRunner, Result
from view_cases import GRID, HOLE, chunk, decoded, deliver, houses, surfaces

from img2height.cli.app import app
from img2height.io.grid import Grid
from img2height.io.rasters import height_band, write_cog
from img2height.view.files import open_files
from img2height.view.write import write_view


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return deliver(tmp_path_factory.mktemp("files"))


def view(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["view", *map(str, arguments)])


def options(files: dict[str, Path]) -> list[str | Path]:
    return [part for name in ("image", "reference", "buildings") for part in (f"--{name}", files[name])]


def folder_bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def whole(folder: Path, layer: str) -> np.ndarray:
    """Return the heights of a layer at full resolution."""
    tiles = [[decoded(chunk(folder, f"{layer}/0-{column}-{row}")) for column in range(2)] for row in range(2)]
    return np.block(tiles)[: GRID.height, : GRID.width]


def test_the_folder_has_the_heights_of_the_rasters(files: dict[str, Path], tmp_path: Path) -> None:
    result = view(files["height"], *options(files), "--out", tmp_path / "map")
    assert result.exit_code == 0, result.output
    for layer, heights in zip(("method0", "reference0"), surfaces(), strict=True):
        found = whole(tmp_path / "map", f"0/{layer}")
        assert (np.isnan(found) == np.isnan(heights)).all()
        assert np.nanmax(np.abs(found - heights)) <= 0.005 + 1e-5
    assert np.isnan(whole(tmp_path / "map", "0/method0")[HOLE]).all()
    (scene,) = chunk(tmp_path / "map", "manifest")["scenes"]
    assert scene["picture"] == {"refined": 0, "bands": ["red", "green", "blue"]}
    (method,) = scene["methods"]
    assert (method["name"], method["quantity"]) == ("height", "height above ground")
    assert method["scales"] == {"low_m": 0, "height_m": 6, "error_m": 2}


def test_buildings_have_their_height_or_that_of_the_raster(files: dict[str, Path], tmp_path: Path) -> None:
    assert view(files["height"], *options(files), "--out", tmp_path / "map").exit_code == 0
    table = chunk(tmp_path / "map", "0/method0/buildings")
    assert table["height"] == [5.5, None]
    assert table["reference"] == [6, 9]
    houses().drop(columns="height_m").to_file(tmp_path / "plain.gpkg")
    assert view(files["height"], "--buildings", tmp_path / "plain.gpkg", "--out", tmp_path / "map").exit_code == 0
    assert np.allclose(chunk(tmp_path / "map", "0/method0/buildings")["height"], [6.25, 9.25], atol=0.1)


def test_the_same_files_give_the_same_bytes(files: dict[str, Path], tmp_path: Path) -> None:
    for name in ("one", "two", "one"):
        assert view(files["height"], *options(files), "--out", tmp_path / name).exit_code == 0
    assert folder_bytes(tmp_path / "one") == folder_bytes(tmp_path / "two")
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}


def test_files_of_one_name_are_told_apart(files: dict[str, Path], tmp_path: Path) -> None:
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        shutil.copy(files["height"], tmp_path / folder / "height.tif")
    result = view(*(tmp_path / folder / "height.tif" for folder in ("first", "second")), "--out", tmp_path / "map")
    assert result.exit_code == 0, result.output
    (scene,) = chunk(tmp_path / "map", "manifest")["scenes"]
    assert [method["name"] for method in scene["methods"]] == ["first/height", "second/height"]


def test_a_folder_with_other_content_is_not_replaced(files: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    result = view(files["height"], "--out", tmp_path)
    assert result.exit_code == 2
    assert "not the folder of a map" in result.stderr
    assert (tmp_path / "thesis.txt").exists()


def test_an_image_may_be_finer_and_a_reference_larger(files: dict[str, Path], tmp_path: Path) -> None:
    part = GRID.crop(Window(100, 50, 400, 300))
    predicted, _ = surfaces()
    write_cog(tmp_path / "part.tif", predicted[50:350, 100:500], part, [height_band("ndsm")], nodata=-9999)
    fine = Grid(GRID.crs, GRID.transform @ Affine.scale(0.25), 2480, 2160)
    colours = np.full((1, 2160, 2480), 77, np.uint8)
    write_cog(tmp_path / "fine.tif", colours, fine, [height_band("grey")])
    out = tmp_path / "map"
    with ExitStack() as stack:
        scene = open_files([tmp_path / "part.tif"], tmp_path / "fine.tif", files["reference"], [], stack)
        assert (scene.refined, scene.picture.raster.width) == (2, 1600)
    opener = partial(open_files, [tmp_path / "part.tif"], tmp_path / "fine.tif", files["reference"], [])
    write_view([opener], "part", out)
    found = decoded(chunk(out, "0/reference0/0-0-0"))[:300, :400]
    assert np.abs(found - surfaces()[1][50:350, 100:500]).max() <= 0.005 + 1e-5


def test_a_stated_scale_and_unit_are_applied(tmp_path: Path) -> None:
    size = {"width": GRID.width, "height": GRID.height, "transform": GRID.transform}
    options = {"driver": "GTiff", "count": 1, "dtype": "int16", "nodata": -1, **size}
    stored = np.full(GRID.shape, 30, np.int16)
    stored[:10] = -1
    with rasterio.open(tmp_path / "height.tif", "w", crs=GRID.crs, **options) as raster:
        raster.write(np.where(stored > 0, 250, -1), 1)
        raster.scales, raster.offsets, raster.units = (0.1,), (5,), ("foot",)
    with rasterio.open(tmp_path / "reference.tif", "w", crs="EPSG:32633+8228", **options) as raster:  # heights in feet
        raster.write(stored, 1)
    result = view(tmp_path / "height.tif", "--reference", tmp_path / "reference.tif", "--out", tmp_path / "map")
    assert result.exit_code == 0, result.output
    for layer in ("0/method0", "0/reference0"):
        found = whole(tmp_path / "map", layer)
        assert np.isnan(found[:10]).all()
        assert np.allclose(found[10:], 30 * 0.3048, rtol=0, atol=0.005)


def test_an_aligned_part_of_a_raster_with_a_vertical_system_is_read_in_place(tmp_path: Path) -> None:
    options = {"driver": "GTiff", "count": 1, "dtype": "float32", "nodata": -9999}
    large, part = GRID.crop(Window(-100, -100, 900, 800)), GRID
    for name, grid, crs in (("large", large, "EPSG:32633+5703"), ("part", part, GRID.crs)):
        size = {"width": grid.width, "height": grid.height, "transform": grid.transform, "crs": crs}
        with rasterio.open(tmp_path / f"{name}.tif", "w", **size, **options) as raster:
            raster.write(np.full((1, *grid.shape), 7, np.float32))
    files = [tmp_path / "part.tif", "--reference", tmp_path / "large.tif", "--image", tmp_path / "large.tif"]
    result = view(*files, "--out", tmp_path / "map")
    assert result.exit_code == 0, result.output
    assert (whole(tmp_path / "map", "0/reference0") == 7).all()
    assert "does not state the unit" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["large.tif", "map", "part.tif"]
