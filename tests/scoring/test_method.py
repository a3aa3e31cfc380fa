import json
from dataclasses import replace
from types import MappingProxyType

import geopandas
import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from shapely.geometry import box

from img2height.buildings import extract, write_buildings
from img2height.errors import DataError
from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, open_raster, read_heights, write_cog
from img2height.scenes.scene import Scene, SceneLayer
from img2height.scoring.method import Predicted, evaluate_method
from img2height.scoring.record import Scored, read_scores, write_scores
from img2height.scoring.tiles import COLUMNS, OUTCOMES, tile_scores
from img2height.settings.protocol import Metrics
from img2height.vocabulary.layers import NODATA

GRID = Grid(CRS.from_epsg(25832), Affine(1, 0, 500_000, 0, -1, 5_400_000), 64, 64)
SETTINGS = Metrics(ratio_min_height_m=1.0, ssim_range_m=30.0, instance_iou=0.5, boundary_m=2.0, tile_px=32)


def write_scene(folder, name: str, error_m: float, *, polygons: bool) -> tuple[Scene, dict]:
    """Return a scene and its files: two reference houses and one on nodata, all predicted `error_m` too high."""
    building = np.zeros(GRID.shape, np.uint8)
    building[8:20, 8:20] = building[8:20, 40:52] = 1
    height = np.where(building == 1, 9, 0).astype(np.float32)
    height[40:52, 8:20] = 9
    frame = extract(height, height > 0, GRID.transform, GRID.crs)
    building[36:56, 4:24] = 255
    (folder / name).mkdir()
    files = {key: folder / name / file for key, file in FILES.items()}
    write_cog(files["ndsm"], height, GRID, [height_band("ndsm")], nodata=NODATA)
    write_cog(files["building"], building, GRID, [Band("building")], nodata=255, categorical=True)
    write_cog(files["height"], height + np.float32(error_m), GRID, [height_band("ndsm")], nodata=NODATA)
    write_cog(files["footprint"], (height > 0).astype(np.uint8), GRID, [Band("building")], nodata=255, categorical=True)
    write_buildings(frame, files["polygons"], name)
    layers = {
        "ndsm": SceneLayer.of(folder / name / "ndsm.tif"),
        "building": SceneLayer.of(folder / name / "building.tif"),
    }
    if polygons:
        frame.iloc[:2].to_parquet(folder / name / "buildings.parquet")
        layers["buildings"] = SceneLayer.of(folder / name / "buildings.parquet")
    return Scene(folder / name, "town", name, GRID, layers), files


FILES = {"height": "height.tif", "footprint": "footprint.tif", "polygons": "found.parquet", "ndsm": "ndsm.tif"}
FILES |= {"building": "building.tif"}


def evaluate(
    made: list, areas: geopandas.GeoDataFrame, pairs=MappingProxyType({}), settings: Metrics = SETTINGS,
    outputs=("height",),
) -> Scored:  # fmt: skip
    predictions = [
        Predicted(scene, *(paths[key] for key in ("height", "footprint", "polygons")), pairs.get(scene.name, {}))
        for scene, paths in made
    ]
    return evaluate_method("net", 3, predictions, areas, settings, outputs)


def areas_of(*rows) -> geopandas.GeoDataFrame:
    names = ["fold", "part", "scene", "geometry"]
    return geopandas.GeoDataFrame([dict(zip(names, row, strict=True)) for row in rows]).assign(dataset="town")


@pytest.mark.parametrize("polygons", [True, False])
def test_scores_pool_the_test_areas_of_all_scenes_and_folds(tmp_path, polygons):
    made = [write_scene(tmp_path, f"s{error}", float(error), polygons=polygons) for error in (1, 4)]
    west, east = box(0, 0, 32, 64), box(32, 0, 64, 64)
    areas = areas_of(
        (0, "test", "s1", west), (1, "test", "s1", east), (0, "test", "s4", west), (0, "train", "s4", east)
    )
    scores, tiles, _ = evaluate(made, areas)
    assert scores.strata["all"]["pixels"] == 64 * 64 * 3 // 2
    assert scores.strata["all"]["mae_m"] == pytest.approx((1 * 2 + 4) / 3)
    assert scores.strata["buildings"]["pixels"] == 144 * 3
    assert scores.footprint["iou"] == 1.0
    # three houses in the test areas; the one on nodata is neither a true nor a false positive
    assert scores.instances.items() >= {"tp": 3, "fp": 0, "fn": 0, "precision": 1.0, "recall": 1.0, "f1": 1.0}.items()
    assert scores.strata["all"]["ssim_tiles"] == 6
    everywhere = tile_scores(tiles[tiles.stratum == "all"])
    assert everywhere.groupby("scene").pixels.sum().to_dict() == {"s1": 4096, "s4": 2048}
    assert everywhere.rmse_m.tolist() == [1.0] * 4 + [4.0] * 2
    assert scores.per_image["all"]["rmse_m"] == 2.0
    assert scores.quantity == "ndsm"
    # the houses have 144 px of 1 m2; none of them is tall
    assert (scores.strata["building_100_500"]["pixels"], scores.strata["building_0_100"]["pixels"]) == (144 * 3, 0)
    # the two houses on nodata of the mask, one in each scene, are 9 m high too
    assert scores.strata["height_3_10"]["bias_m"] == pytest.approx((3 * 1 + 2 * 4) / 5)
    assert scores.strata["buildings_tall"]["bias_m"] is None


def test_a_scene_outside_the_test_areas_has_no_scores(tmp_path):
    scores, tiles, _ = evaluate(
        [write_scene(tmp_path, "s1", 1.0, polygons=False)], areas_of((0, "train", "s1", box(0, 0, 64, 64)))
    )
    assert (scores.strata["all"]["mae_m"], scores.instances["f1"], len(tiles)) == (None, None, 0)
    assert tiles.columns.tolist() == ["method", "seed", "dataset", "scene", *COLUMNS]
    assert {str(tiles[name].dtype) for name in ("ssim", "square_sum_m2")} == {"float64"}


@pytest.mark.parametrize(
    ("border", "counts"),
    [(48, {"tp": 2, "fp": 0, "fn": 0}), (43, {"tp": 1, "fp": 0, "fn": 0})],
    ids=["two thirds of the eastern house inside", "a quarter of it inside"],
)
def test_a_house_on_the_border_is_cut_or_left_out_on_both_sides(tmp_path, border, counts):
    scene, files = write_scene(tmp_path, "s1", 1.0, polygons=True)
    inside = geopandas.read_parquet(files["polygons"]).clip(box(500_000, 0, 500_000 + border, 6_000_000))
    inside.to_parquet(files["polygons"])  # predictions end where the test area ends
    scores, *_ = evaluate([(scene, files)], areas_of((0, "test", "s1", box(0, 0, border, 64))))
    assert {key: scores.instances[key] for key in counts} == counts


def write_surface(folder, scene: Scene, name: str, error_m: float, quantity: str = "ndsm"):
    with open_raster(scene.path("ndsm")) as raster:
        heights = read_heights(raster) + np.float32(error_m)
    write_cog(folder / name, heights, GRID, [height_band(quantity)], nodata=NODATA)
    return folder / name


def test_pairs_are_scored_separately_and_pooled(tmp_path):
    made = [write_scene(tmp_path, name, 0.0, polygons=True) for name in ("s1", "s2")]
    errors = {"s1": {1: 1.0, 10: -2.0}, "s2": {10: 4.0}}
    scenes = {scene.name: scene for scene, _ in made}
    pairs = {
        name: {pair: write_surface(tmp_path, scenes[name], f"{name}_{pair}.tif", error) for pair, error in some.items()}
        for name, some in errors.items()
    }
    half = box(0, 0, 32, 64)
    areas = areas_of((0, "test", "s1", box(0, 0, 64, 64)), (0, "test", "s2", half), (1, "train", "s2", half))
    scores, *_ = evaluate(made, areas, pairs)
    alone, *_ = evaluate(made, areas)
    assert scores.model_copy(update={"pairs": {}, "pooled": {}}) == alone
    assert list(scores.pairs) == [1, 10]
    assert (scores.pairs[1]["all"]["rmse_m"], scores.pairs[1]["all"]["pixels"]) == (1, 4096)
    assert scores.pairs[10]["all"]["mae_m"] == pytest.approx((2 * 2 + 4) / 3)
    assert scores.pairs[10]["buildings"]["bias_m"] == pytest.approx((-2 * 2 + 4) / 3)
    pooled = scores.pooled["all"]
    assert pooled["pixels"] == 4096 * 2 + 2048
    # errors of all pairs together: 4096 of 1 m, 4096 of -2 m, 2048 of 4 m
    assert pooled["rmse_m"] == pytest.approx(((2 * 1 + 2 * 4 + 16) / 5) ** 0.5)
    assert (pooled["medae_m"], scores.pooled["terrain"]["medae_m"]) == (2, 2)
    assert {"footprint", "instances"} & (scores.pooled.keys() | scores.pairs[1].keys()) == set()


def test_terrain_can_be_scored_in_a_scene_with_terrain_only(tmp_path):
    scene, files = write_scene(tmp_path, "s1", 0.0, polygons=False)
    write_surface(tmp_path / "s1", scene, "dtm.tif", 500.0)
    files["height"] = write_surface(tmp_path, scene, "dem.tif", 503.0, "dem")
    layers = {"dtm": SceneLayer.of(scene.folder / "dtm.tif"), "building": scene.layers["building"]}
    bare = Scene(scene.folder, "town", "s1", GRID, layers)
    scores, tiles, _ = evaluate([(bare, files)], areas_of((0, "test", "s1", box(0, 0, 64, 64))))
    assert (scores.strata["all"]["rmse_m"], scores.strata["all"]["delta1"], scores.strata["all"]["ssim"]) == (
        3,
        None,
        None,
    )
    assert (scores.strata["terrain"]["bias_m"], scores.strata["water"]["bias_m"], scores.instances["f1"]) == (
        3,
        None,
        None,
    )
    assert tile_scores(tiles[tiles.stratum == "all"]).rmse_m.tolist() == [3] * 4
    assert (scores.quantity, scores.strata["height_3_10"]["pixels"]) == ("dem", 0)


def test_a_missing_prediction_fails_unless_it_is_allowed(tmp_path):
    scene, files = write_scene(tmp_path, "s1", 1.0, polygons=True)
    with open_raster(files["height"]) as raster:
        heights = read_heights(raster)
    heights[0, :7] = np.nan
    write_cog(files["height"], heights, GRID, [height_band("ndsm")], nodata=NODATA)
    areas = areas_of((0, "test", "s1", box(0, 0, 64, 64)))
    with pytest.raises(DataError, match=r"7 of 4096 test pixels of scene town/s1 .*allow_missing"):
        evaluate([(scene, files)], areas)
    scores, *_ = evaluate([(scene, files)], areas, settings=SETTINGS.model_copy(update={"allow_missing": True}))
    assert scores.strata["all"]["coverage"] == 1 - 7 / 4096
    scores, *_ = evaluate([(scene, files)], areas_of((0, "test", "s1", box(0, 1, 64, 64))))
    assert scores.strata["all"]["coverage"] == 1  # pixels outside the test area do not count


def test_heights_that_a_method_does_not_predict_are_not_required(tmp_path):
    scene, files = write_scene(tmp_path, "s1", 1.0, polygons=True)
    nothing = np.full(GRID.shape, np.nan, np.float32)
    write_cog(files["height"], nothing, GRID, [height_band("building_height")], nodata=NODATA)
    areas = areas_of((0, "test", "s1", box(0, 0, 64, 64)))
    with pytest.raises(DataError, match="3696 of 3696 test pixels"):
        evaluate([(scene, files)], areas)
    scores, *_ = evaluate([(scene, files)], areas, outputs=["footprint"])
    assert (scores.strata["all"]["rmse_m"], scores.strata["all"]["coverage"]) == (None, 0)
    assert scores.footprint["coverage"] == 1


def test_masks_are_scored_where_the_height_is_missing(tmp_path):
    scene, files = write_scene(tmp_path, "s1", 1.0, polygons=True)
    measured = np.full(GRID.shape, np.nan, np.float32)
    measured[:, :32] = 0
    write_cog(files["ndsm"], measured, GRID, [height_band("ndsm")], nodata=NODATA)
    scene = replace(scene, layers=scene.layers | {"ndsm": SceneLayer.of(files["ndsm"])})
    scores, tiles, _ = evaluate([(scene, files)], areas_of((0, "test", "s1", box(0, 0, 64, 64))))
    assert tiles[tiles.stratum == "all"].reference_pixels.tolist() == [1024, 0, 1024, 0]
    found = tiles[OUTCOMES].sum()
    assert (found.tp, found.sum()) == (288, 64 * 64 - 400)
    assert scores.footprint["iou"] == found.tp / (found.tp + found.fp + found.fn)
    assert scores.per_image["footprint"]["tiles"] == 4
    assert (scores.per_image["all"]["tiles"], scores.strata["all"]["coverage"]) == (2, 1)


def test_predictions_of_two_quantities_are_refused(tmp_path):
    made = [write_scene(tmp_path, name, 0.0, polygons=True) for name in ("s1", "s2")]
    made[1][1]["height"] = write_surface(tmp_path, made[1][0], "r.tif", 0.0, "relative")
    with pytest.raises(DataError, match=r"different quantities: .* ndsm, .* relative"):
        evaluate(made, areas_of((0, "test", "s1", box(0, 0, 64, 64)), (0, "test", "s2", box(0, 0, 64, 64))))


def with_error(made: tuple[Scene, dict], error_m: np.ndarray) -> None:
    """Write predictions that are off by an error."""
    with open_raster(made[0].path("ndsm")) as raster:
        truth = read_heights(raster)
    write_cog(made[1]["height"], (truth + error_m).astype(np.float32), GRID, [height_band("ndsm")], nodata=NODATA)


def test_the_correlation_length_is_the_largest_of_the_scenes_in_metres(tmp_path):
    made = [write_scene(tmp_path, name, 0.0, polygons=True) for name in ("s1", "s2")]
    rows = np.indices(GRID.shape)[0]
    areas = areas_of(*((0, "test", name, box(0, 0, 64, 64)) for name in ("s1", "s2")))
    with_error(made[1], np.sin(rows / 3))
    lengths = evaluate(made, areas).scores.correlation
    assert lengths.scenes["town/s1"] == 0  # no error at all
    assert 2 < lengths.scenes["town/s2"] == lengths.length_m
    with_error(made[0], np.where(rows < 32, 0, 3))  # a tile of 32 px cannot show how far it reaches
    lengths = evaluate(made, areas).scores.correlation
    assert (lengths.length_m, lengths.scenes["town/s1"]) == (None, None)
    assert lengths.scenes["town/s2"] is not None


def test_a_record_is_read_as_it_was_written(tmp_path):
    made = [write_scene(tmp_path, "s1", 1.0, polygons=True)]
    pair = {"s1": {2: write_surface(tmp_path, made[0][0], "pair.tif", 2.0)}}
    scores, *_ = evaluate(made, areas_of((0, "test", "s1", box(0, 0, 64, 64))), pair)
    write_scores(scores, tmp_path / "scores.json")
    assert read_scores(tmp_path / "scores.json") == scores
    written = json.loads((tmp_path / "scores.json").read_text())
    assert written["all"]["rmse_m"] == 1.0 and written["pairs"]["2"]["all"]["rmse_m"] == 2.0
    assert "alignment" not in written and "strata" not in written


def test_a_file_that_is_not_a_record_is_named(tmp_path):
    (tmp_path / "scores.json").write_text('{"method": "unet", "seed": 0}')
    with pytest.raises(DataError, match=r"scores\.json: quantity: .*evaluate the method again"):
        read_scores(tmp_path / "scores.json")


def test_buildings_of_another_version_are_named(tmp_path):
    scene, files = write_scene(tmp_path, "s1", 1.0, polygons=True)
    geopandas.read_parquet(files["polygons"]).drop(columns="volume_m3").to_parquet(files["polygons"])
    with pytest.raises(DataError, match=r"found\.parquet: has no column 'volume_m3'; extract the buildings again"):
        evaluate([(scene, files)], areas_of((0, "test", "s1", box(0, 0, 64, 64))))
