import math

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from scipy.ndimage import binary_dilation
from shapely.geometry import Polygon, box

from img2height.errors import DataError
from img2height.metrics import ErrorStatistics, ssim
from img2height.metrics.evaluate import SceneStatistics, evaluate_scene
from img2height.metrics.strata import STRATA
from img2height.rasters import NODATA, Band, Grid, height_band, write_cog

SIZE = 90, 110
SPANS_M = {"ndsm": (0, 30), "dtm": (200, 210)}
GRID = Grid(CRS.from_epsg(25832), Affine(0.5, 0, 500_000, 0, -0.5, 5_400_000), SIZE[1], SIZE[0])
SETTINGS = {"ratio_min_height_m": 1.0, "ssim_range_m": 30.0, "tile_px": 32}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Arrays and rasters of a scene with unknown pixels and a prediction with missing ones."""
    folder, rng = tmp_path_factory.mktemp("town"), np.random.default_rng([5])
    heights = {name: rng.uniform(*span, SIZE).astype(np.float32) for name, span in SPANS_M.items()}
    heights["predicted"] = heights["ndsm"] + rng.normal(0.5, 2, SIZE).astype(np.float32)
    heights["ndsm"][70:80, 20:30] = np.nan
    heights["predicted"][10:14, 100:105] = np.nan
    high = {"building": heights["ndsm"] > 20, "footprint": heights["predicted"] > 20}
    masks = {name: mask.astype(np.uint8) for name, mask in high.items()}
    masks["building"][:5] = 255
    for name, array in heights.items():
        write_cog(folder / f"{name}.tif", array, GRID, [height_band("ndsm")], nodata=NODATA)
    sparse = np.zeros(SIZE, np.uint8)
    sparse[rng.integers(0, SIZE[0], 40), rng.integers(0, SIZE[1], 40)] = 1
    masks |= {"houses": sparse, "water": np.roll(sparse, 9), "forest": np.roll(sparse, 23)}
    masks["dsm_filled"] = 1 - sparse
    surface = heights["predicted"] + heights["dtm"]
    write_cog(folder / "surface.tif", surface, GRID, [height_band("dsm")], nodata=NODATA)
    write_cog(folder / "terrain.tif", heights["dtm"] + 2, GRID, [height_band("dem")], nodata=NODATA)
    for name, array in masks.items():
        write_cog(folder / f"{name}.tif", array, GRID, [Band(name)], nodata=255, categorical=True)
    return folder, heights | masks


def paths(folder, *names):
    return {name: folder / f"{name}.tif" for name in names}


def test_scene_scores_are_those_of_the_whole_arrays(town):
    folder, a = town
    found = evaluate_scene(folder / "predicted.tif", paths(folder, "ndsm", "building", "footprint"), **SETTINGS)
    assert found.strata["all"] == ErrorStatistics.from_arrays(a["predicted"], a["ndsm"])
    assert found.strata["buildings"] == ErrorStatistics.from_arrays(a["predicted"], a["ndsm"], a["building"] == 1)
    known = a["building"] != 255
    both = known & (a["building"] == 1) & (a["footprint"] == 1)
    assert (found.footprint.tp, found.footprint.missing) == (both.sum(), 0)
    assert found.scores()["footprint"]["pixels"] == known.sum()
    assert found.scores()["all"]["coverage"] < 1


def test_tile_size_changes_no_digit(town):
    folder, _ = town
    area = Polygon([(3, 2), (108, 30), (60, 88), (10.5, 70)])
    layers = paths(folder, "ndsm", "building", "footprint")
    found = [
        evaluate_scene(folder / "predicted.tif", layers, area, **SETTINGS | {"tile_px": tile}) for tile in (16, 50, 512)
    ]
    for name in ("strata", "footprint"):
        assert getattr(found[0], name) == getattr(found[1], name) == getattr(found[2], name)


def test_tile_borders_show_in_no_stratum(town):
    folder, a = town
    layers = paths(folder, "ndsm", "water", "forest", "dsm_filled") | {"building": folder / "houses.tif"}
    found = [
        evaluate_scene(folder / "predicted.tif", layers, **SETTINGS | {"tile_px": tile}).strata for tile in (9, 64, 512)
    ]
    assert found[0] == found[1] == found[2]
    near = binary_dilation(a["houses"], iterations=2)
    terrain = ErrorStatistics.from_arrays(a["predicted"], a["ndsm"], ~near)
    assert found[0]["buildings_dilated"] + terrain == found[0]["all"] == found[0]["filled"] + found[0]["matched"]
    assert found[0]["terrain"] == terrain
    rest = ~near & (a["water"] == 0) & (a["forest"] == 0)
    assert found[0]["terrain_no_water_forest"] == ErrorStatistics.from_arrays(a["predicted"], a["ndsm"], rest)


def test_terrain_is_scored_against_terrain_and_has_no_ratios(town):
    folder, a = town
    scores = evaluate_scene(folder / "terrain.tif", paths(folder, "dtm"), **SETTINGS).scores()["all"]
    assert scores["pixels"] == a["dtm"].size
    assert (scores["bias_m"], scores["rmse_m"], scores["nmad_m"]) == pytest.approx((2, 2, 0), abs=1e-4)
    nothing = ("abs_rel", "rmse_rel", "log10", "delta1", "delta2", "delta3", "ssim")
    assert [scores[name] for name in nothing] == [None] * len(nothing)
    with pytest.raises(DataError, match="has no dtm"):
        evaluate_scene(folder / "terrain.tif", paths(folder, "ndsm"), **SETTINGS)


def test_pixels_belong_to_the_area_by_their_centres(town):
    folder, a = town
    found = evaluate_scene(folder / "predicted.tif", paths(folder, "ndsm"), box(10.4, 20, 40.4, 60), **SETTINGS)
    assert found.strata["all"] == ErrorStatistics.from_arrays(a["predicted"][20:60, 10:40], a["ndsm"][20:60, 10:40])


def test_areas_that_share_no_pixel_add_up_to_the_whole(town):
    folder, _ = town
    layers = paths(folder, "ndsm", "building", "footprint")
    whole = evaluate_scene(folder / "predicted.tif", layers, **SETTINGS)
    parts = [
        evaluate_scene(folder / "predicted.tif", layers, box(*cut), **SETTINGS)
        for cut in ((41, 0, 110, 90), (0, 0, 41, 90))
    ]
    total = sum(parts, start=SceneStatistics.empty(1.0))
    assert (total.strata, total.footprint) == (whole.strata, whole.footprint)
    assert total.tiles == ()


def test_ssim_is_the_mean_over_whole_tiles_in_the_area(town):
    folder, a = town
    found = evaluate_scene(folder / "predicted.tif", paths(folder, "ndsm"), box(0, 0, 70, 90), **SETTINGS)
    corners = [(row, col) for row in (0, 32) for col in (0, 32)]  # 64 + 32 is beyond both 70 and 90
    tiles = [(slice(row, row + 32), slice(col, col + 32)) for row, col in corners]
    expected = [ssim(a["predicted"][tile], a["ndsm"][tile], None, 30.0) for tile in tiles]
    assert found.ssim_tiles == 4
    assert found.scores()["all"]["ssim"] == pytest.approx(np.mean(expected), abs=1e-9)


def test_tile_rows_name_their_window_and_scores(town):
    folder, a = town
    found = evaluate_scene(folder / "predicted.tif", paths(folder, "ndsm"), box(40, 40, 80, 60), **SETTINGS)
    assert [(tile.col_off, tile.row_off) for tile in found.tiles] == [(32, 32), (64, 32)]
    errors = (a["predicted"].astype(float) - a["ndsm"])[40:60, 64:80]
    tile = found.tiles[1]
    assert tile.pixels == errors.size
    assert [tile.mae_m, tile.rmse_m, tile.bias_m] == pytest.approx(
        [np.abs(errors).mean(), math.sqrt((errors**2).mean()), errors.mean()], abs=1e-8
    )


def test_surface_model_is_scored_above_ground(town):
    folder, _ = town
    one = evaluate_scene(folder / "predicted.tif", paths(folder, "ndsm"), **SETTINGS).scores()["all"]
    other = evaluate_scene(folder / "surface.tif", paths(folder, "ndsm", "dtm"), **SETTINGS).scores()["all"]
    assert other["rmse_m"] == pytest.approx(one["rmse_m"], abs=1e-4)
    assert other["abs_rel"] == pytest.approx(one["abs_rel"], abs=1e-4)
    with pytest.raises(DataError, match="dtm"):
        evaluate_scene(folder / "surface.tif", paths(folder, "ndsm"), **SETTINGS)


def test_layers_that_are_not_there_give_none(town):
    folder, _ = town
    scores = evaluate_scene(folder / "predicted.tif", paths(folder, "ndsm"), Polygon(), **SETTINGS).scores()
    assert (scores["all"]["mae_m"], scores["buildings"]["mae_m"], scores["footprint"]["iou"]) == (None, None, None)
    whole = evaluate_scene(folder / "predicted.tif", paths(folder, "ndsm"), **SETTINGS).scores()
    assert {name for name in STRATA if whole[name]["mae_m"] is not None} == {"all"}
    assert scores["all"]["ssim"] is None


def test_missing_reference_and_other_grids_are_refused(town, tmp_path):
    folder, a = town
    with pytest.raises(DataError, match="ndsm"):
        evaluate_scene(folder / "predicted.tif", {}, **SETTINGS)
    shifted = Grid(GRID.crs, GRID.transform @ Affine.translation(1, 0), GRID.width, GRID.height)
    write_cog(tmp_path / "ndsm.tif", a["ndsm"], shifted, [height_band("ndsm")], nodata=NODATA)
    with pytest.raises(DataError, match="different grids"):
        evaluate_scene(folder / "predicted.tif", paths(tmp_path, "ndsm"), **SETTINGS)


def test_relative_heights_are_scored_by_what_a_scale_and_an_offset_leave(town, tmp_path):
    folder, a = town
    write_cog(tmp_path / "relative.tif", 0.01 * a["ndsm"] + 0.3, GRID, [height_band("relative")], nodata=NODATA)
    scores = evaluate_scene(tmp_path / "relative.tif", paths(folder, "ndsm"), **SETTINGS).scores()["all"]
    assert scores["rmse_m"] == pytest.approx(0, abs=1e-4)
    assert scores["coverage"] == 1
