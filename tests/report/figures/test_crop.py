"""Crops of a scene for figures."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from rasterio.windows import Window
from shapely.geometry import Point, box

from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, write_cog
from img2height.report.figures.crop import DETAIL_PX, detail_window, read_pictures, read_prediction, read_view
from img2height.report.figures.joint import joint_histogram
from img2height.scenes.scene import Scene, SceneLayer
from img2height.vocabulary.layers import NODATA

WHOLE = Window(0, 0, 300, 280)


def test_full_resolution_reads_every_pixel(houses: Scene):
    view = read_view(houses, box(0, 0, 150, 280), WHOLE, 300)
    assert (view.step, view.reference.shape, view.image.shape) == (1, (280, 300), (280, 300, 4))
    assert np.isnan(view.reference[:20, :20]).all() and np.isnan(view.reference).sum() == 400
    assert view.reference[50, 70] == 6.0 and view.built[50, 70] and not view.built[0, 0]
    assert view.image[-1, -1, 3] == 0 and view.image[0, 0, 3] == 255
    assert view.area[:, :150].all() and not view.area[:, 150:].any()


def test_decimation_keeps_place_and_height(houses: Scene):
    view = read_view(houses, box(0, 0, 150, 280), WHOLE, 100)
    assert (view.step, view.reference.shape) == (3, (93, 100))
    assert view.reference[135 // 3, 220 // 3] == pytest.approx(9.0)
    assert view.area[:, :50].all() and not view.area[:, 50:].any()
    assert view.drawn(Point(120, 60)) == Point(40, 20)


def test_detail_is_inside_the_scene(houses: Scene):
    view = read_view(houses, box(0, 0, 300, 280), WHOLE, 150)
    window = detail_window(view)
    assert (window.width, window.height) == (DETAIL_PX, DETAIL_PX)
    assert 0 <= window.col_off <= 300 - DETAIL_PX and 0 <= window.row_off <= 280 - DETAIL_PX


def test_detail_is_where_the_houses_are(tmp_path: Path, houses: Scene):
    grid = Grid(houses.grid.crs, houses.grid.transform, 1200, 1000)
    ndsm = np.zeros(grid.shape, np.float32)
    ndsm[800:820, 900:930] = ndsm[840:860, 900:930] = 6
    ndsm[0:400, 0:150] = 10  # one large roof: much area, little outline in a window
    for name, array in (("ndsm", ndsm), ("building", (ndsm > 0).astype(np.uint8))):
        bands, nodata = [height_band("ndsm")] if name == "ndsm" else [Band(name)], NODATA if name == "ndsm" else 255
        write_cog(tmp_path / f"{name}.tif", array, grid, bands, nodata=nodata)
    write_cog(
        tmp_path / "eo.tif", np.zeros((3, *grid.shape), np.uint8), grid, [Band(c) for c in ("red", "green", "blue")]
    )
    made = ("eo", "ndsm", "building")
    layers = {name: SceneLayer.of(tmp_path / f"{name}.tif", houses.layers[name].bands) for name in made}
    scene = dataclasses.replace(houses, folder=tmp_path, grid=grid, layers=layers)
    area = box(400, 0, 1200, 1000)
    window = detail_window(read_view(scene, area, Window(0, 0, 1200, 1000), 400))
    assert window.col_off < 900 and window.col_off + DETAIL_PX > 930
    assert window.row_off < 800 and window.row_off + DETAIL_PX > 860


def test_a_small_scene_needs_no_detail(houses: Scene):
    assert detail_window(read_view(houses, box(0, 0, 200, 200), Window(0, 0, 200, 200), 400)) is None


def test_predicted_surfaces_are_shown_above_ground(tmp_path: Path, houses: Scene):
    view = read_view(houses, box(0, 0, 300, 280), WHOLE, 300)
    surface = np.full(view.reference.shape, 107.0, np.float32)
    surface[0, 0] = np.nan
    write_cog(tmp_path / "dsm.tif", surface, houses.grid, [height_band("dsm")], nodata=NODATA)
    same, above = read_prediction(tmp_path / "dsm.tif", houses, view)
    assert np.array_equal(same.reference, view.reference, equal_nan=True)
    assert np.isnan(above[0, 0]) and np.nanmin(above) == np.nanmax(above) == 7.0


def test_a_terrain_model_is_compared_with_the_terrain(tmp_path: Path, houses: Scene):
    view = read_view(houses, box(0, 0, 300, 280), WHOLE, 300)
    surface = np.full(view.reference.shape, 107.0, np.float32)
    write_cog(tmp_path / "dem.tif", surface, houses.grid, [height_band("dem")], nodata=NODATA)
    other, elevations = read_prediction(tmp_path / "dem.tif", houses, view)
    assert other.terrain and not view.terrain
    assert (elevations - other.reference == 7.0).all()


def test_relative_heights_are_aligned_to_the_reference(tmp_path: Path, houses: Scene):
    view = read_view(houses, box(0, 0, 300, 280), WHOLE, 300)
    relative = np.nan_to_num(view.reference) * 0.01 + 0.2
    write_cog(tmp_path / "relative.tif", relative, houses.grid, [Band("relative", "1")], nodata=NODATA)
    _, heights = read_prediction(tmp_path / "relative.tif", houses, view)
    valid = np.isfinite(view.reference)
    np.testing.assert_allclose(heights[valid], view.reference[valid], atol=1e-3)
    true, predicted = np.nonzero(joint_histogram(houses, box(0, 0, 300, 280), tmp_path / "relative.tif"))
    assert np.abs(true - predicted).max() <= 1  # bins of 0.5 m, with 6 m on the edge of two


def test_a_scene_with_terrain_only_is_a_view_without_buildings(houses: Scene):
    bare = {name: layer for name, layer in houses.layers.items() if name not in ("ndsm", "building")}
    view = read_view(dataclasses.replace(houses, layers=bare), box(0, 0, 300, 280), WHOLE, 300)
    assert view.terrain and (view.reference == 100).all() and not view.built.any()
    assert detail_window(view) is None


def test_nodata_of_a_figure_is_that_of_training_and_scores(tmp_path: Path, stereo: Scene):
    radar = np.full((4, *stereo.grid.shape), -10, np.float32)
    radar[1, 100:110, 100:110] = np.nan  # in one band of four
    names = stereo.layers["sar"].bands
    write_cog(tmp_path / "sar.tif", radar, stereo.grid, [Band(name) for name in names], nodata=np.nan)
    layer = dataclasses.replace(SceneLayer.of(tmp_path / "sar.tif", names), file=str(tmp_path / "sar.tif"))
    scene = dataclasses.replace(stereo, layers=stereo.layers | {"sar": layer})
    for shape, missing in ((stereo.grid.shape, 100), ((28, 30), 1)):
        (picture,) = read_pictures(scene, "sar", WHOLE, shape).values()
        assert (picture[..., 3] == 0).sum() == missing
    heights = np.full(stereo.grid.shape, 2, np.float32)
    heights[0, 0] = NODATA
    write_cog(tmp_path / "h.tif", heights, stereo.grid, [height_band("ndsm")])  # not declared in the file
    _, found = read_prediction(tmp_path / "h.tif", stereo, read_view(stereo, box(0, 0, 300, 280), WHOLE, 300))
    assert np.isnan(found[0, 0]) and np.isnan(found).sum() == 1


def test_sixteen_bits_are_stretched_between_percentiles(tmp_path: Path, houses: Scene):
    ramp = np.tile(np.linspace(300, 4000, 300).astype(np.uint16), (3, 280, 1))
    write_cog(tmp_path / "eo.tif", ramp, houses.grid, [Band(c) for c in ("red", "green", "blue")])
    layers = {name: dataclasses.replace(layer, file=str(houses.path(name))) for name, layer in houses.layers.items()}
    eo = SceneLayer.of(tmp_path / "eo.tif", layers["eo"].bands)
    layers["eo"] = dataclasses.replace(eo, file=str(tmp_path / "eo.tif"))
    image = read_view(dataclasses.replace(houses, layers=layers), box(0, 0, 300, 280), WHOLE, 300).image
    assert (image[:, 0, :3] == 0).all() and (image[:, -1, :3] == 255).all() and 120 < image[0, 150, 0] < 135
