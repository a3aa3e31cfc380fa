import math
from functools import reduce
from operator import add

import geopandas
import numpy as np
import pandas
import pytest
from affine import Affine
from rasterio.crs import CRS
from scipy.ndimage import binary_dilation
from shapely.geometry import Polygon, box

from img2height.errors import DataError
from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, write_cog
from img2height.metrics import ConfusionStatistics, ErrorStatistics, ssim
from img2height.metrics.coarse import COARSE_BINS, coarse_bins
from img2height.scoring.errors import tiles_in
from img2height.scoring.scene import evaluate_scene
from img2height.scoring.strata import HEIGHTS_M, STRATA
from img2height.scoring.tiles import COLUMNS
from img2height.vocabulary.layers import NODATA

SIZE = 90, 110
SPANS_M = {"ndsm": (0, 30), "dtm": (200, 210)}
GRID = Grid(CRS.from_epsg(25832), Affine(0.5, 0, 500_000, 0, -0.5, 5_400_000), SIZE[1], SIZE[0])
SETTINGS = {"ratio_min_height_m": 1.0, "ssim_range_m": 30.0, "tile_px": 32}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Return the folder and the arrays of a scene with nodata and a prediction with gaps."""
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
    valid = a["building"] != 255
    both = valid & (a["building"] == 1) & (a["footprint"] == 1)
    assert (found.footprint.tp, found.footprint.missing) == (both.sum(), 0)
    assert found.footprint.scores()["pixels"] == valid.sum()
    assert found.height_scores()["all"]["coverage"] < 1


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
    scores = evaluate_scene(folder / "terrain.tif", paths(folder, "dtm"), **SETTINGS).height_scores()["all"]
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
    total = reduce(add, parts)
    assert (total.strata, total.footprint) == (whole.strata, whole.footprint)
    assert total.tiles.empty


def test_a_tile_that_only_touches_an_area_is_not_in_it():
    found = tiles_in(box(32, 32, 64, 80), GRID, 32)
    assert [(each.col_off, each.row_off) for each in found] == [(32, 32), (32, 64)]
    assert tiles_in(box(32, 32, 64.6, 64), GRID, 32)[-1].col_off == 64


def test_ssim_is_the_mean_over_whole_tiles_in_the_area(town):
    folder, a = town
    found = evaluate_scene(folder / "predicted.tif", paths(folder, "ndsm"), box(0, 0, 70, 90), **SETTINGS)
    corners = [(row, col) for row in (0, 32) for col in (0, 32)]  # 64 + 32 is beyond both 70 and 90
    tiles = [(slice(row, row + 32), slice(col, col + 32)) for row, col in corners]
    expected = [ssim(a["predicted"][tile], a["ndsm"][tile], None, 30.0) for tile in tiles]
    assert found.ssim_tiles == 4
    assert found.height_scores()["all"]["ssim"] == pytest.approx(np.mean(expected), abs=1e-9)


def test_tile_rows_name_their_window_and_sums(town):
    folder, a = town
    layers = paths(folder, "ndsm", "building", "footprint")
    found = evaluate_scene(folder / "predicted.tif", layers, box(40, 40, 80, 60), **SETTINGS).tiles
    assert found.columns.tolist() == COLUMNS
    everywhere = found[found.stratum == "all"]
    assert everywhere[["col_off", "row_off", "size_px"]].values.tolist() == [[32, 32, 32], [64, 32, 32]]
    here = np.s_[40:60, 64:80]
    errors = (a["predicted"].astype(float) - a["ndsm"])[here]
    row = everywhere.iloc[1]
    assert (row.pixels, row.reference_pixels, math.isnan(row.ssim)) == (errors.size, errors.size, True)
    assert [row.absolute_sum_m, row.square_sum_m2, row.error_sum_m] == pytest.approx(
        [np.abs(errors).sum(), (errors**2).sum(), errors.sum()], abs=1e-6
    )
    outcomes = ConfusionStatistics.from_arrays(a["footprint"][here], a["building"][here])
    assert (row.tp, row.fp, row.fn, row.tn) == (outcomes.tp, outcomes.fp, outcomes.fn, outcomes.tn)
    expected = np.bincount(coarse_bins(errors.ravel()), minlength=COARSE_BINS)
    assert (row.error_bins == expected).all()
    buildings = found[(found.stratum == "buildings") & (found.col_off == 64)].iloc[0]
    assert buildings.pixels == (a["building"][here] == 1).sum()
    assert (buildings.tp, math.isnan(buildings.ssim)) == (0, True)


def test_tiles_add_up_to_the_scene(town):
    folder, _ = town
    layers = paths(folder, "ndsm", "water", "forest", "dsm_filled") | {"building": folder / "houses.tif"}
    found = evaluate_scene(folder / "predicted.tif", layers, **SETTINGS)
    for name, statistics in found.strata.items():
        rows = found.tiles[found.tiles.stratum == name]
        assert rows.pixels.sum() == statistics.pixels
        assert rows.delta1_pixels.sum() == statistics.delta1_pixels
        assert rows.square_sum_m2.sum() == pytest.approx(statistics.square_sum / 2**60)
        assert rows.log_sum.sum() == pytest.approx(statistics.log_sum / 2**30)


@pytest.mark.parametrize(("block_px", "threads"), [(1, 1), (64, 3), (1, 2), (4096, 1)])
def test_block_size_and_threads_change_no_digit(town, block_px, threads):
    folder, _ = town
    area = Polygon([(3, 2), (108, 30), (60, 88), (10.5, 70)])
    layers = paths(folder, "ndsm", "water", "forest", "dsm_filled", "footprint") | {"building": folder / "houses.tif"}
    buildings = geopandas.GeoSeries(
        [box(500_005, 5_399_970, 500_025, 5_399_990), box(500_030, 5_399_965, 500_034, 5_399_969)], crs=GRID.crs
    )
    for name in ("predicted", "surface"):
        one, other = (
            evaluate_scene(
                folder / f"{name}.tif", layers | paths(folder, "dtm"), area, buildings=buildings, block_px=side,
                threads=count, **SETTINGS,
            )
            for side, count in ((block_px, threads), (96, 1))
        )  # fmt: skip
        assert one == other
        pandas.testing.assert_frame_equal(one.tiles, other.tiles, check_exact=True)


def test_scores_of_a_stratum_are_those_of_its_pixels(town):
    folder, a = town
    layers = paths(folder, "ndsm", "water", "forest", "dsm_filled", "building")
    found = evaluate_scene(folder / "predicted.tif", layers, **SETTINGS).strata
    for name, (low, high) in HEIGHTS_M.items():
        inside = (a["ndsm"] > low) & (a["ndsm"] <= high)
        assert found[name] == ErrorStatistics.from_arrays(a["predicted"], a["ndsm"], inside), name
    tall = (a["building"] == 1) & (a["ndsm"] > 20)
    assert found["buildings_tall"] == ErrorStatistics.from_arrays(a["predicted"], a["ndsm"], tall)
    assert sum((found[name] for name in HEIGHTS_M), ErrorStatistics()) == found["all"]


def test_references_of_zero_are_left_out_of_resdepth_scores_only(tmp_path):
    truth = np.zeros(SIZE, np.float32)
    truth[:30] = 10
    write_cog(tmp_path / "ndsm.tif", truth, GRID, [height_band("ndsm")], nodata=NODATA)
    write_cog(tmp_path / "dtm.tif", np.full(SIZE, -10, np.float32), GRID, [height_band("dtm")], nodata=NODATA)
    for quantity, level, left in (("ndsm", 0, truth != 0), ("dsm", -10, truth != 10)):
        write_cog(tmp_path / f"{quantity}_p.tif", truth + level + 1, GRID, [height_band(quantity)], nodata=NODATA)
        found = evaluate_scene(tmp_path / f"{quantity}_p.tif", paths(tmp_path, "ndsm", "dtm"), **SETTINGS)
        assert found.strata["all"].pixels == truth.size
        assert found.nonzero["all_nonzero"].pixels == left.sum()  # a surface is zero where it is at the datum


def test_surface_model_is_scored_above_ground(town):
    folder, _ = town
    one = evaluate_scene(folder / "predicted.tif", paths(folder, "ndsm"), **SETTINGS).height_scores()["all"]
    other = evaluate_scene(folder / "surface.tif", paths(folder, "ndsm", "dtm"), **SETTINGS).height_scores()["all"]
    assert other["rmse_m"] == pytest.approx(one["rmse_m"], abs=1e-4)
    assert other["abs_rel"] == pytest.approx(one["abs_rel"], abs=1e-4)
    with pytest.raises(DataError, match="dtm"):
        evaluate_scene(folder / "surface.tif", paths(folder, "ndsm"), **SETTINGS)


def test_missing_layers_and_empty_areas_give_none(town):
    folder, _ = town
    found = evaluate_scene(folder / "predicted.tif", paths(folder, "ndsm"), Polygon(), **SETTINGS)
    scores = found.height_scores()
    assert (scores["all"]["mae_m"], scores["buildings"]["mae_m"], found.footprint.scores()["iou"]) == (None, None, None)
    whole = evaluate_scene(folder / "predicted.tif", paths(folder, "ndsm"), **SETTINGS).height_scores()
    assert {name for name in STRATA if whole[name]["mae_m"] is not None} <= {"all", *HEIGHTS_M}
    assert scores["all"]["ssim"] is None


def test_missing_reference_and_other_grids_are_refused(town, tmp_path):
    folder, a = town
    with pytest.raises(DataError, match="ndsm"):
        evaluate_scene(folder / "predicted.tif", {}, **SETTINGS)
    shifted = Grid(GRID.crs, GRID.transform @ Affine.translation(1, 0), GRID.width, GRID.height)
    write_cog(tmp_path / "ndsm.tif", a["ndsm"], shifted, [height_band("ndsm")], nodata=NODATA)
    with pytest.raises(DataError, match="different grids"):
        evaluate_scene(folder / "predicted.tif", paths(tmp_path, "ndsm"), **SETTINGS)


def test_relative_heights_are_scored_after_alignment(town, tmp_path):
    folder, a = town
    write_cog(tmp_path / "relative.tif", 0.01 * a["ndsm"] + 0.3, GRID, [height_band("relative")], nodata=NODATA)
    scores = evaluate_scene(tmp_path / "relative.tif", paths(folder, "ndsm"), **SETTINGS).height_scores()["all"]
    assert scores["rmse_m"] == pytest.approx(0, abs=1e-4)
    assert scores["coverage"] == 1
