"""Buildings of a scene: which count, and what is compared."""

from pathlib import Path

import geopandas
import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from shapely import box
from shapely.geometry import Polygon

from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, write_cog
from img2height.scenes.scene import Scene, SceneLayer
from img2height.scoring.building_tiles import BuildingStatistics
from img2height.scoring.buildings import compare_buildings, evaluate_buildings
from img2height.scoring.outlines import outline_heights
from img2height.settings.protocol import Metrics
from img2height.vocabulary.layers import NODATA

GRID = Grid(CRS.from_epsg(25832), Affine(1, 0, 500_000, 0, -1, 5_400_000), 100, 60)
SETTINGS = Metrics(ratio_min_height_m=1.0, ssim_range_m=30.0, instance_iou=0.5, boundary_m=2.0, tile_px=32)
EVERYWHERE = box(0, 0, 100, 60)


def on_map(*boxes: tuple[int, int, int, int], **columns) -> geopandas.GeoDataFrame:
    """Return boxes of left, top, right and bottom pixel edges as a table in map coordinates."""
    shapes = geopandas.GeoSeries([GRID.to_map(box(*corners)) for corners in boxes], crs=GRID.crs)
    if "height_m" in columns:
        columns["volume_m3"] = shapes.area * columns["height_m"]
    return geopandas.GeoDataFrame(columns, geometry=shapes, crs=GRID.crs)


def write(path: Path, heights: np.ndarray, quantity: str = "ndsm") -> Path:
    write_cog(path, heights.astype(np.float32), GRID, [height_band(quantity)], nodata=NODATA)
    return path


@pytest.fixture
def town(tmp_path) -> tuple[Scene, Path]:
    """Return a scene with houses of 6, 12 and 4 m, the last in two halves of 3 and 5 m, and heights 1 m too high."""
    truth = np.zeros(GRID.shape)
    for left, height in (10, 6), (40, 12), (70, 3):
        truth[20:30, left : left + 20] = height
    truth[20:30, 80:90] = 5
    building = (truth > 0).astype(np.uint8)
    write_cog(tmp_path / "building.tif", building, GRID, [Band("building")], nodata=255, categorical=True)
    write(tmp_path / "ndsm.tif", truth)
    layers = {name: SceneLayer.of(tmp_path / f"{name}.tif") for name in ("ndsm", "building")}
    return Scene(tmp_path, "town", "s1", GRID, layers), write(tmp_path / "height.tif", truth + 1)


REFERENCE = (10, 20, 30, 30), (40, 20, 60, 30), (70, 20, 90, 30)


def test_heights_end_to_end_and_in_the_reference_outlines(town):
    scene, heights = town
    # the first house is found 2 m further east and 2 m too high, the second at the right place, the third missed
    found = on_map((12, 20, 32, 30), (40, 20, 60, 30), (5, 45, 15, 55), height_m=[8.0, 11.5, 3.0])
    statistics = evaluate_buildings(scene, heights, found, on_map(*REFERENCE), EVERYWHERE, SETTINGS)
    scores, errors = statistics.instances.scores(), statistics.errors()
    assert (scores["tp"], scores["fp"], scores["fn"], scores["pairs"]) == (2, 1, 1, 2)
    assert scores["mean_f1"] == pytest.approx(0.1 * (7 * 2 / 3 + 3 * 1 / 3))  # IoU 18/22 and 1
    assert (scores["polis_m"], scores["hausdorff_m"]) == pytest.approx(((1 + 0) / 2, (2 + 0) / 2))
    assert (scores["corner_ratio"], scores["tp"]) == (1, 2)
    assert scores["boundary_iou"] == pytest.approx((72 / (2 * 104 - 72) + 1) / 2)  # 2 x 18 x 2 m2 shared of 104 m2
    matched = errors["found"]
    assert (matched["all"]["bias_m"], matched["all"]["mae_m"]) == pytest.approx(((2 - 0.5) / 2, 1.25))
    assert matched["height_10_20"]["bias_m"] == -0.5 and "height_0_3" not in matched
    # 8 x 200 of 6 x 200 m3, 11.5 x 200 of 12 x 200 m3
    assert matched["all"]["volume_bias"] == pytest.approx((400 - 100) / 3600)
    assert matched["all"]["volume_error"] == pytest.approx((400 + 100) / 3600)
    given = errors["given"]["all"]
    assert (given["buildings"], given["bias_m"], given["rmse_m"]) == (3, 1, 1)
    assert given["volume_bias"] == pytest.approx(600 / (3600 + 800))  # the mean of both halves is 4 m
    assert errors["given"]["building_100_500"]["buildings"] == 3


def test_sums_of_buildings_by_tile(town):
    scene, heights = town
    found = on_map((12, 20, 32, 30), (40, 20, 60, 30), (5, 45, 15, 55), height_m=[8.0, 11.5, 3.0])
    tiles = evaluate_buildings(scene, heights, found, on_map(*REFERENCE), EVERYWHERE, SETTINGS).tiles
    tiles = tiles.set_index(["stratum", "col_off", "row_off"]).sort_index()
    # both sides of a match are in the tile of the reference building; the false one is in the tile below
    assert tiles.loc["instances", ["tp", "fp", "fn", "pairs", "tp_thresholds"]].to_dict("index") == {
        (0, 0): {"tp": 1, "fp": 0, "fn": 0, "pairs": 1, "tp_thresholds": 7},
        (0, 32): {"tp": 0, "fp": 1, "fn": 0, "pairs": 0, "tp_thresholds": 0},
        (32, 0): {"tp": 1, "fp": 0, "fn": 0, "pairs": 1, "tp_thresholds": 10},
        (64, 0): {"tp": 0, "fp": 0, "fn": 1, "pairs": 0, "tp_thresholds": 0},
    }
    assert tiles.loc["found", ["buildings", "height_square_sum"]].to_dict("index") == {
        (0, 0): {"buildings": 1, "height_square_sum": 4}, (32, 0): {"buildings": 1, "height_square_sum": 0.25},
    }  # fmt: skip
    assert tiles.loc["given", "height_error_sum"].to_list() == [1, 1, 1]
    assert tiles.loc["given.height_10_20", "volume_reference_sum"].to_dict() == {(32, 0): 2400}
    assert tiles.loc["instances", "buildings"].isna().all() and tiles.loc["given", "tp"].isna().all()


def test_buildings_at_the_border_count_as_found_but_not_their_outlines(town):
    scene, heights = town
    found = on_map((10, 20, 30, 30), (40, 20, 60, 30), height_m=[6.0, 12.0])
    area = box(0, 0, 55, 60)  # cuts a quarter of the second house, of which the prediction ends there
    statistics = evaluate_buildings(scene, heights, found, on_map(*REFERENCE), area, SETTINGS)
    scores = statistics.instances.scores()
    assert (scores["tp"], scores["fp"], scores["fn"], scores["pairs"]) == (2, 0, 0, 1)
    assert (statistics.found["all"].buildings, statistics.given["all"].buildings) == (1, 1)
    compared = compare_buildings(scene, found, on_map(*REFERENCE), area)
    assert compared.reference["whole"].tolist() == [True, False]
    assert compared.reference.geometry.area.tolist() == [200, 150]
    compared = compare_buildings(scene, found, on_map(*REFERENCE), box(0, 0, 45, 60))
    assert (len(compared.predicted), len(compared.reference)) == (1, 1)  # a quarter inside does not count
    touching = on_map((45, 0, 55, 10), height_m=[3.0])
    assert len(compare_buildings(scene, touching, on_map(*REFERENCE), box(0, 0, 45, 60)).predicted) == 0


def test_statistics_add_up_over_areas(town):
    scene, heights = town
    found = on_map((11, 20, 31, 30), (40, 20, 60, 30), (66, 20, 86, 30), height_m=[7.0, 11.0, 5.0])
    parts = [
        evaluate_buildings(scene, heights, found, on_map(*REFERENCE), area, SETTINGS)
        for area in (box(0, 0, 35, 60), box(35, 0, 100, 60))
    ]
    assert parts[0] + parts[1] == evaluate_buildings(scene, heights, found, on_map(*REFERENCE), EVERYWHERE, SETTINGS)
    assert BuildingStatistics() + parts[0] == parts[0]


@pytest.mark.parametrize("quantity", ["relative", "dem"])
def test_heights_that_are_not_metres_above_ground_have_no_errors(town, tmp_path, quantity):
    scene, _ = town
    heights = write(tmp_path / "other.tif", np.zeros(GRID.shape), quantity)
    found = on_map((10, 20, 30, 30), height_m=[float("nan")])
    statistics = evaluate_buildings(scene, heights, found, on_map(*REFERENCE), EVERYWHERE, SETTINGS)
    errors = statistics.errors()
    assert [errors[kind].keys() for kind in ("found", "given")] == [{"all"}] * 2
    assert (errors["found"]["all"]["mae_m"], errors["given"]["all"]["buildings"]) == (None, 0)
    assert statistics.instances.tp == 1


def test_a_scene_without_reference_has_no_scores(town):
    scene, heights = town
    statistics = evaluate_buildings(scene, heights, on_map(), None, EVERYWHERE, SETTINGS)
    assert statistics == BuildingStatistics() and statistics.tiles.empty
    assert statistics.instances.scores()["f1"] is None


def test_heights_of_outlines_do_not_depend_on_the_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    heights = rng.uniform(0, 30, GRID.shape)
    heights[rng.random(GRID.shape) < 0.1] = np.nan
    corners = rng.uniform(0, [70, 30], (40, 2))
    sizes = rng.uniform(2, 25, (40, 2))
    outlines = np.array([GRID.to_map(box(*low, *(low + size))) for low, size in zip(corners, sizes, strict=True)])
    alone = [outline_heights(outlines[[k]], GRID, {"a": lambda w: heights[w.toslices()]})["a"] for k in range(40)]
    apart = np.array([k for k in range(40) if not any(outlines[k].intersects(o) for o in outlines[:k])])
    monkeypatch.setattr("img2height.scoring.outlines.BLOCK_PX", 16)
    found = outline_heights(outlines[apart], GRID, {"a": lambda w: heights[w.toslices()]})["a"]
    expected = [alone[k].loc[0, "height_m"] for k in apart]
    assert found.height_m.to_numpy() == pytest.approx(expected, nan_ok=True)
    found = outline_heights(outlines, GRID, {"a": lambda w: heights[w.toslices()]})["a"]  # a pixel of two is of both
    assert found.to_numpy() == pytest.approx(np.concatenate([each.to_numpy() for each in alone]), nan_ok=True)
    tiny = GRID.to_map(Polygon([(0.6, 0.6), (0.9, 0.6), (0.9, 0.9)]))  # contains no pixel centre
    assert outline_heights(np.array([tiny]), GRID, {"a": lambda w: heights[w.toslices()]})["a"].height_m.isna().all()
