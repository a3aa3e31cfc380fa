import geopandas
import numpy as np
import pandas
import pytest
from affine import Affine
from rasterio.crs import CRS
from shapely.geometry import box

from img2height.buildings import extract, write_buildings
from img2height.metrics.method import evaluate_method
from img2height.rasters import NODATA, Band, Grid, height_band, write_cog
from img2height.scenes.scene import Scene, SceneLayer
from img2height.settings import Metrics

GRID = Grid(CRS.from_epsg(25832), Affine(1, 0, 500_000, 0, -1, 5_400_000), 64, 64)
SETTINGS = Metrics(ratio_min_height_m=1.0, ssim_range_m=30.0, instance_iou=0.5, tile_px=32)


def write_scene(folder, name: str, error_m: float, *, polygons: bool) -> tuple[Scene, dict]:
    """Two reference houses, west and east, and one on ground of unknown use; all are predicted, `error_m` too high."""
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
    write_buildings(frame, files["polygons"], folder / name / "b.gpkg")
    layers = {"ndsm": SceneLayer("ndsm.tif", ""), "building": SceneLayer("building.tif", "")}
    if polygons:
        frame.iloc[:2].to_parquet(folder / name / "buildings.parquet")
        layers["buildings"] = SceneLayer("buildings.parquet", "")
    return Scene(folder / name, "town", name, GRID, layers, {}), files


FILES = {"height": "height.tif", "footprint": "footprint.tif", "polygons": "found.parquet", "ndsm": "ndsm.tif"}
FILES |= {"building": "building.tif"}


def evaluate(made: list, areas: geopandas.GeoDataFrame) -> tuple[dict, pandas.DataFrame]:
    scenes, files = [scene for scene, _ in made], [paths for _, paths in made]
    lists = [[paths[key] for paths in files] for key in ("height", "footprint", "polygons")]
    return evaluate_method(scenes, *lists, areas, SETTINGS)


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
    scores, tiles = evaluate(made, areas)
    assert scores["all"]["pixels"] == 64 * 64 * 3 // 2
    assert scores["all"]["mae_m"] == pytest.approx((1 * 2 + 4) / 3)
    assert scores["buildings"]["pixels"] == 144 * 3
    assert scores["footprint"]["iou"] == 1.0
    # three houses in the test areas; the one on ground of unknown use is neither found nor invented
    assert scores["instances"] == {"tp": 3, "fp": 0, "fn": 0, "precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert scores["all"]["ssim_tiles"] == 6
    assert tiles.groupby("scene").pixels.sum().to_dict() == {"s1": 4096, "s4": 2048}
    assert tiles.rmse_m.tolist() == [1.0] * 4 + [4.0] * 2


def test_scene_outside_the_test_areas_counts_nothing(tmp_path):
    scores, tiles = evaluate(
        [write_scene(tmp_path, "s1", 1.0, polygons=False)], areas_of((0, "train", "s1", box(0, 0, 64, 64)))
    )
    assert (scores["all"]["mae_m"], scores["instances"]["f1"], len(tiles)) == (None, None, 0)
    assert {name: str(kind) for name, kind in tiles.dtypes.items() if name.endswith("_m")} == {
        "mae_m": "float64",
        "rmse_m": "float64",
        "bias_m": "float64",
    }


@pytest.mark.parametrize(
    ("border", "counts"),
    [(48, {"tp": 2, "fp": 0, "fn": 0}), (43, {"tp": 1, "fp": 0, "fn": 0})],
    ids=["two thirds of the eastern house inside", "a quarter of it inside"],
)
def test_a_house_on_the_border_is_cut_or_left_out_on_both_sides(tmp_path, border, counts):
    scene, files = write_scene(tmp_path, "s1", 1.0, polygons=True)
    inside = geopandas.read_parquet(files["polygons"]).clip(box(500_000, 0, 500_000 + border, 6_000_000))
    inside.to_parquet(files["polygons"])  # predictions end where the test area ends
    scores, _ = evaluate([(scene, files)], areas_of((0, "test", "s1", box(0, 0, border, 64))))
    assert {key: scores["instances"][key] for key in counts} == counts
