"""Each mistake is one line that says what is wrong, and nothing is written."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS
from typer.testing import CliRunner
from view_cases import GRID, deliver, houses

from img2height.cli.app import app
from img2height.io.grid import Grid
from img2height.io.rasters import height_band, write_cog


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return deliver(tmp_path_factory.mktemp("files"))


def write(path: Path, grid: Grid) -> Path:
    write_cog(path, np.ones(grid.shape, np.float32), grid, [height_band("ndsm")], nodata=-9999)
    return path


def message(folder: Path, *arguments: str | Path) -> str:
    result = CliRunner().invoke(app, ["view", *map(str, arguments), "--out", str(folder / "map")])
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("error: ")
    assert not (folder / "map").exists()
    return result.stderr


def test_files_that_do_not_exist(files: dict[str, Path], tmp_path: Path) -> None:
    assert "does not exist" in message(tmp_path, tmp_path / "none.tif")
    assert "does not exist" in message(tmp_path, files["height"], "--image", tmp_path / "none.tif")
    assert "does not exist" in message(tmp_path, files["height"], "--buildings", tmp_path / "none.gpkg")


def test_a_folder_without_results(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    assert "contains no <method>/oof/seed<seed>/<scene>/height.tif" in message(tmp_path, tmp_path / "demo")


def test_folders_and_height_maps_together(files: dict[str, Path], tmp_path: Path) -> None:
    assert "view them one by one" in message(tmp_path, files["height"], files["height"].parent)
    assert "--image: is for height maps" in message(tmp_path, files["height"].parent, "--image", files["image"])


def test_files_of_another_place(files: dict[str, Path], tmp_path: Path) -> None:
    far = GRID.moved(50_000, 0)
    for option in ("--image", "--reference"):
        assert "does not overlap" in message(tmp_path, files["height"], option, write(tmp_path / "far.tif", far))
    houses(far).to_file(tmp_path / "far.gpkg")
    assert "none of its 2 polygons" in message(tmp_path, files["height"], "--buildings", tmp_path / "far.gpkg")


def test_files_in_another_system_or_of_other_pixels(files: dict[str, Path], tmp_path: Path) -> None:
    other = Grid(CRS.from_epsg(32634), GRID.transform, GRID.width, GRID.height)
    shifted = GRID.moved(0.2, 0)
    image = write(tmp_path / "other.tif", other)
    assert "is in EPSG:32634" in message(tmp_path, files["height"], "--image", image)
    for name, grid in (("other", other), ("shifted", shifted)):
        reference = write(tmp_path / f"{name}.tif", grid)
        assert "are on different grids" in message(tmp_path, files["height"], "--reference", reference)


def test_a_reference_of_another_quantity(files: dict[str, Path], tmp_path: Path) -> None:
    surface = tmp_path / "surface.tif"
    write_cog(surface, np.full(GRID.shape, 300, np.float32), GRID, [height_band("dsm")], nodata=-9999)
    said = message(tmp_path, files["height"], "--reference", surface)
    assert "surface.tif: states surface elevation (dsm), but" in said
    assert "height above ground (ndsm)" in message(tmp_path, surface, "--reference", files["reference"])


def test_too_few_polygons(files: dict[str, Path], tmp_path: Path) -> None:
    found = message(tmp_path, files["height"], files["reference"], "--buildings", files["buildings"])
    assert "found 1 files for 2 height maps" in found


def test_without_a_projection_there_are_heights_but_no_polygons(files: dict[str, Path], tmp_path: Path) -> None:
    plain = tmp_path / "plain.tif"
    options = {"driver": "GTiff", "width": 60, "height": 40, "count": 1, "dtype": "float32", "nodata": -9999}
    with rasterio.open(plain, "w", transform=Affine(0.5, 0, 0, 0, -0.5, 0), **options) as raster:
        raster.write(np.ones((1, 40, 60), np.float32))
        raster.units = ("metre",)
    assert "has no map projection" in message(tmp_path, plain, "--buildings", files["buildings"])
    result = CliRunner().invoke(app, ["view", str(plain), "--out", str(tmp_path / "map")])
    assert result.exit_code == 0, result.output
