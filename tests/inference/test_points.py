import laspy
import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from img2height.errors import DataError
from img2height.inference import points
from img2height.inference.points import write_points
from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, write_cog
from img2height.vocabulary.layers import NODATA

TURNED = Affine.translation(500_000.3, 5_400_000.7) @ Affine.rotation(30) @ Affine.scale(0.25, -0.25)
GRID = Grid(CRS.from_epsg(25832), TURNED, 50, 40)


@pytest.fixture
def heights(tmp_path):
    values = np.arange(2000, dtype=np.float32).reshape(GRID.shape) / 7
    values[3, 5], values[30:] = NODATA, NODATA
    write_cog(tmp_path / "h.tif", values, GRID, [height_band("ndsm")], nodata=NODATA)
    return values


@pytest.fixture
def image(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (4, *GRID.shape), dtype=np.uint8)
    names = [Band(name) for name in ("blue", "green", "red", "nir")]
    write_cog(tmp_path / "eo.tif", pixels, GRID, names, valid=np.ones(GRID.shape, bool))
    return pixels


@pytest.mark.parametrize("name", ["points.laz", "points.las"])
def test_each_valid_pixel_is_a_point_with_its_height_and_colour(tmp_path, heights, image, name):
    write_points(tmp_path / "h.tif", tmp_path / name, tmp_path / "eo.tif", ["blue", "green", "red", "nir"])
    cloud = laspy.read(tmp_path / name)
    rows, columns = np.nonzero(heights != NODATA)
    assert len(cloud) == 1499
    order = np.lexsort((columns, rows))
    x, y = GRID.transform @ (columns[order] + 0.5, rows[order] + 0.5)
    assert np.abs(cloud.x - x).max() < 0.0006
    assert np.abs(cloud.y - y).max() < 0.0006
    assert np.abs(cloud.z - heights[rows, columns]).max() < 0.0006
    colours = image[[2, 1, 0]][:, rows, columns] * np.uint16(257)
    assert (np.array([cloud.red, cloud.green, cloud.blue]) == colours).all()
    assert cloud.header.parse_crs().to_epsg() == 25832
    assert cloud.header.are_points_compressed == name.endswith("laz")


def test_without_an_image_there_are_no_colours_and_the_bytes_are_the_same(tmp_path, heights):
    for name in ("a.laz", "b.laz"):
        write_points(tmp_path / "h.tif", tmp_path / name)
    assert (tmp_path / "a.laz").read_bytes() == (tmp_path / "b.laz").read_bytes()
    cloud = laspy.read(tmp_path / "a.laz")
    assert cloud.point_format.id == 6
    assert np.allclose(cloud.header.maxs[2], heights.max(), atol=0.001)


def test_blocks_only_change_the_order(tmp_path, heights, monkeypatch):
    write_points(tmp_path / "h.tif", tmp_path / "whole.las")
    monkeypatch.setattr(points, "BLOCK_PX", 16)
    write_points(tmp_path / "h.tif", tmp_path / "blocks.las")
    whole, blocks = (np.sort(np.array(laspy.read(tmp_path / f"{n}.las").xyz), axis=0) for n in ("whole", "blocks"))
    assert (whole == blocks).all()


def test_no_height_is_no_point_cloud(tmp_path):
    write_cog(tmp_path / "h.tif", np.full(GRID.shape, NODATA, np.float32), GRID, [height_band("ndsm")], nodata=NODATA)
    with pytest.raises(DataError, match="no height is valid"):
        write_points(tmp_path / "h.tif", tmp_path / "p.laz")
    assert [path.name for path in tmp_path.iterdir()] == ["h.tif"]
