from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window
from view_cases import GRID

from img2height.io.display import Picture, shown_bands
from img2height.io.rasters import Band, write_cog

WHOLE = Window(0, 0, GRID.width, GRID.height)


@pytest.mark.parametrize(
    ("bands", "shown"),
    [
        (["blue", "green", "red", "nir"], ("red", "green", "blue")),
        (["green", "red", "nir"], ("nir", "red", "green")),
        (["vv", "vh"], ("vv", "vh", "vv/vh")),
        (["pan"], ("pan", "pan", "pan")),
    ],
)
def test_bands_are_those_of_the_report(bands: list[str], shown: tuple[str, ...]) -> None:
    assert shown_bands(bands) == shown


def test_eight_bits_are_shown_as_they_are(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (3, *GRID.shape), np.uint8)
    valid = np.ones(GRID.shape, bool)
    valid[:10] = False
    write_cog(tmp_path / "eo.tif", colours, GRID, [Band("blue"), Band("green"), Band("red")], valid=valid)
    with rasterio.open(tmp_path / "eo.tif") as raster:
        pixels = Picture.of(raster, ["blue", "green", "red"]).read(WHOLE)
    assert (pixels[10:, :, :3] == np.moveaxis(colours[::-1, 10:], 0, -1)).all()
    assert (pixels[:10] == 0).all()
    assert (pixels[10:, :, 3] == 255).all()


def test_more_bits_are_stretched_by_the_whole_image(tmp_path: Path) -> None:
    ramp = np.broadcast_to(np.linspace(1000, 3000, GRID.width), GRID.shape).astype(np.uint16)
    write_cog(tmp_path / "pan.tif", ramp, GRID, [Band("pan")])
    with rasterio.open(tmp_path / "pan.tif") as raster:
        picture = Picture.of(raster, ["pan"])
        left, right = (picture.read(Window(column, 0, 10, 10))[..., 0] for column in (0, GRID.width - 10))
        parts = [picture.read(Window(column, 0, 310, GRID.height)) for column in (0, 310)]
        whole = picture.read(WHOLE)
    assert (left == 0).all()
    assert (right == 255).all()
    assert (np.concatenate(parts, axis=1) == whole).all()
    assert 1030 < picture.limits[0][0] < 1050
