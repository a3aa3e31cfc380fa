"""The contact sheet: all inputs and the reference of the first samples."""

from pathlib import Path

import numpy as np
import pandas
import pytest
from affine import Affine
from matplotlib.figure import Figure
from rasterio.crs import CRS

from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, write_cog
from img2height.samples.contact import contact_sheet, draw_contact_sheet
from img2height.samples.reader import TileReader
from img2height.scenes.scene import Scene, SceneLayer
from img2height.vocabulary.layers import NODATA

GRID = Grid(CRS.from_epsg(32633), Affine(0.5, 0, 500_000, 0, -0.5, 5_800_000), 64, 64)
BANDS = {"eo": ["red", "green", "blue", "nir"], "sar": ["hh", "hv", "vv"], "view_1": ["pan"], "view_2": ["pan"]}
SIDE = 32


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Return a plain of 100 m with a house of 110 m, seen by each sensor; the first row of the radar is missing."""
    folder, rng = tmp_path_factory.mktemp("scene"), np.random.default_rng(0)
    dsm, filled = np.full(GRID.shape, 100, np.float32), np.zeros(GRID.shape, np.uint8)
    dsm[8:16, 8:24] = 110
    filled[20, 20] = 1
    heights = {"dsm": dsm, "dsm_initial": dsm + 1, "ndsm": dsm - 100}
    for name, array in heights.items():
        write_cog(folder / f"{name}.tif", array, GRID, [height_band(name)], nodata=NODATA)
    write_cog(folder / "dsm_filled.tif", filled, GRID, [Band("dsm_filled")], nodata=255, categorical=True)
    for name, bands in BANDS.items():
        pixels = rng.integers(1, 255, (len(bands), *GRID.shape)).astype(np.float32 if name == "sar" else np.uint8)
        if name == "sar":
            pixels[:, 0] = np.nan
        nodata = np.nan if name == "sar" else None
        write_cog(folder / f"{name}.tif", pixels, GRID, [Band(band) for band in bands], nodata=nodata)
    layers = {
        name: SceneLayer.of(folder / f"{name}.tif", BANDS.get(name, [name]))
        for name in [*heights, "dsm_filled", *BANDS]
    }
    layers["sar"] = SceneLayer.of(folder / "sar.tif", BANDS["sar"], "dB", 180.0)
    layers["dsm_initial"] = SceneLayer.of(folder / "dsm_initial.tif", ["dsm"])
    return Scene(folder, "demo", "plain", GRID, layers)


def samples(*symmetries: int) -> pandas.DataFrame:
    place = {"dataset": "demo", "scene": "plain", "col_off": 0, "row_off": 0, "size_px": SIDE}
    pair = {"pair": 2, "first": 2, "second": 1}
    return pandas.DataFrame([{"n": n, **place, **pair, "transform": turn} for n, turn in enumerate(symmetries)])


def sheet(scene: Scene, inputs: dict[str, list[str]], target: str, *symmetries: int) -> Figure:
    return contact_sheet(samples(*symmetries), TileReader({("demo", "plain"): scene}, inputs, target))


def shown(figure: Figure) -> dict[str, np.ndarray]:
    """Return the pictures of the first sample by title."""
    return {axes.get_title(): axes.images[0].get_array() for axes in figure.axes if axes.images}


def test_a_refinement_shows_its_pair_its_surface_and_the_reference(scene: Scene):
    figure = sheet(scene, {"dsm_initial": ["dsm"], "views": ["first", "second"]}, "dsm", 0)
    assert list(shown(figure)) == ["0: plain\npair 2: views 2 + 1", "initial DSM, filled orange", "reference"]
    red, green, blue = np.moveaxis(shown(figure)["0: plain\npair 2: views 2 + 1"], 2, 0)
    assert (green == blue).all() and (red != green).any()
    assert figure.axes[-1].get_ylabel() == "height above the mean of the patch (m)"
    low, high = figure.axes[-1].get_ylim()
    mean = 1 + 10 * 8 * 16 / SIDE**2  # of the initial surface, above the plain
    assert (low, high) == pytest.approx((-mean, 10 - mean))


def test_one_view_is_grey(scene: Scene):
    picture = shown(sheet(scene, {"dsm_initial": ["dsm"], "views": ["first"]}, "dsm", 0))["0: plain\npair 2: view 2"]
    assert np.ptp(picture, axis=2).max() == 0


def test_all_layers_of_a_method_are_shown_and_only_learnable_pixels_are_coloured(scene: Scene):
    figure = sheet(scene, {"eo": BANDS["eo"], "sar": BANDS["sar"]}, "ndsm", 0)
    pictures = shown(figure)
    names = ["0: plain\neo: red, green, blue", "eo: near infrared, red, green", "sar: HH, HV, VV", "reference"]
    assert list(pictures) == names
    assert (pictures["sar: HH, HV, VV"][0] == 0).all() and pictures["sar: HH, HV, VV"][1:].any()
    grey = pictures["reference"][0, :, :3]
    assert np.ptp(grey) == 0 and np.ptp(pictures["reference"][1:, :, :3], axis=2).min() > 0
    assert figure.axes[-1].get_ylim() == pytest.approx((0, 10))


def test_pictures_and_look_direction_rotate_with_the_sample(scene: Scene):
    figure = sheet(scene, {"sar": BANDS["sar"]}, "ndsm", 0, 1)
    radar = [axes for axes in figure.axes if "sar" in axes.get_title()]
    still, turned = (axes.images[0].get_array() for axes in radar)
    assert (np.rot90(still) == turned).all()
    ways = [np.subtract(axes.texts[0].xy, axes.texts[0].xyann) for axes in radar]
    assert np.sign(np.round(ways, 9)).tolist() == [[0, 1], [-1, 0]]  # from below, then from the right


def test_the_file_has_the_same_bytes_twice(scene: Scene, tmp_path: Path):
    reader = TileReader({("demo", "plain"): scene}, {"eo": ["red", "green", "blue"]}, "ndsm")
    for name in ("one.png", "two.png"):
        draw_contact_sheet(samples(0, 5), reader, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
