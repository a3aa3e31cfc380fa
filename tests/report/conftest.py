"""A small finished experiment: one scene in two folds, three methods, and their files."""

import dataclasses
import math
from pathlib import Path

import geopandas
import numpy as np
import pandas
import pytest
from affine import Affine
from PIL import Image
from rasterio.crs import CRS
from record_cases import experiment_scores
from scipy.ndimage import gaussian_filter
from shapely.geometry import box

from img2height.comparison.record import Comparison, Coverage, ExperimentScores, Interval
from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, write_cog
from img2height.io.tables import write_table
from img2height.report.page import Links, TableFiles, write_report
from img2height.report.run import MethodFiles, Run
from img2height.report.tables.intervals import Uncertainty
from img2height.scenes.city.sar import BANDS as POLARISATIONS
from img2height.scenes.land.optical import BANDS as LAND_BANDS
from img2height.scenes.pairs import write_pairs
from img2height.scenes.scene import Scene, SceneLayer
from img2height.scoring.method import Predicted, evaluate_method
from img2height.scoring.tiles import COLUMNS
from img2height.settings.dataset import About, Pair
from img2height.settings.experiment import Experiment
from img2height.settings.parsing import merge, parse, read_yaml
from img2height.settings.project import load_recipe
from img2height.settings.protocol import Params
from img2height.vocabulary.layers import NODATA

ROOT = Path(__file__).parents[2]
GRID = Grid(CRS.from_epsg(32633), Affine(0.5, 0, 500_000, 0, -0.5, 5_800_000), 300, 280)
HOUSES = {(40, 60, 70, 100): 6.0, (120, 200, 150, 240): 9.0, (180, 30, 230, 90): 24.0}
ABOUT = About(title="Three houses", source="a test", licence="CC0-1.0", vertical_reference="zero")
METHODS = ["mean_height", "im2height", "zero_height"]
NO_UNCERTAINTY = Uncertainty([], [], 0)


@pytest.fixture(scope="session")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Return a scene of three houses on flat terrain; reference and image have nodata in different corners."""
    folder = tmp_path_factory.mktemp("houses")
    ndsm = _truth()
    building = (ndsm > 0).astype(np.uint8)
    image = np.random.default_rng(0).integers(60, 120, (3, *GRID.shape), np.uint8) + 80 * building
    ndsm[:20, :20], valid = np.nan, np.ones(GRID.shape, bool)
    valid[-10:, -10:] = False
    bands = ["red", "green", "blue"]
    write_cog(folder / "eo.tif", image, GRID, [Band(band) for band in bands], valid=valid)
    write_cog(folder / "ndsm.tif", ndsm, GRID, [height_band("ndsm")], nodata=NODATA)
    write_cog(folder / "dtm.tif", np.full(GRID.shape, 100, np.float32), GRID, [height_band("dtm")], nodata=NODATA)
    write_cog(folder / "building.tif", building, GRID, [Band("building")], nodata=255, categorical=True)
    names = {"eo": bands, "ndsm": ["ndsm"], "dtm": ["dtm"], "building": ["building"]}
    layers = {name: SceneLayer.of(folder / f"{name}.tif", there) for name, there in names.items()}
    scene = Scene(folder, "demo", "houses", GRID, layers)
    scene.save()
    return scene


@pytest.fixture(scope="session")
def areas() -> geopandas.GeoDataFrame:
    """Return the areas of two folds: the west is tested in one, the east in the other."""
    halves = [box(0, 0, 150, 280), box(150, 0, 300, 280)]
    rows = [
        {"fold": fold, "part": part, "dataset": "demo", "scene": "houses", "geometry": halves[half]}
        for fold in (0, 1)
        for part, half in (("test", fold), ("train", 1 - fold))
    ]
    return geopandas.GeoDataFrame(rows, geometry="geometry", crs=None)


@pytest.fixture(scope="session")
def finished(houses: Scene, areas: geopandas.GeoDataFrame, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run whose network predicts the houses blurred and slightly too low."""
    folder = tmp_path_factory.mktemp("run")
    settings = {
        "name": "tiny", "title": "Tiny town", "scenes": {"demo": {"houses": "split"}}, "methods": METHODS,
        "params": {"tiling": {"tile_px": 64}}, "recipes": {"im2height": {"batch_size": 2}},
    }  # fmt: skip
    experiment = parse(Experiment, settings, "test")
    params = parse(Params, merge(read_yaml(ROOT / "params.yaml"), experiment.params), "test")
    scores, files = [], {}
    for method in METHODS:
        height, polygons = _write_prediction(houses, method, folder), folder / f"{method}.parquet"
        found = [box(500_031, 5_799_966, 500_049, 5_799_979)] if method == "im2height" else []
        values = {"height_m": [5.0] * len(found), "volume_m3": [5.0 * shape.area for shape in found]}
        write_table(geopandas.GeoDataFrame(values, geometry=found, crs=GRID.crs), polygons)
        predicted = [Predicted(houses, height, houses.path("building"), polygons)]
        scores.append(evaluate_method(method, 0, predicted, areas, params.metrics).scores)
        histories = {fold: _write_history(method, fold, folder) for fold in (0, 1)}
        files[method] = MethodFiles(predicted, histories, write_tiles(folder / f"{method}_tiles.parquet", method))
    folds_map = folder / "folds.png"
    Image.new("RGB", (40, 20), "white").save(folds_map)
    recipes = {name: load_recipe(ROOT / "config/methods", name, experiment.recipes.get(name)) for name in METHODS}
    metrics = experiment_scores(*scores)
    return Run(
        experiment, params, recipes, metrics, uncertainty_of(metrics), [houses], [houses], {"demo": ABOUT}, areas,
        folds_map, files, {"train": "0123456789abcdef"}, {}, {},
    )  # fmt: skip


@pytest.fixture(scope="session")
def written(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return two folders with the report of the finished run; in the second it replaces that of another run."""
    folders = [tmp_path_factory.mktemp(turn) for turn in ("one", "two")]
    (folders[1] / "figures").mkdir()
    (folders[1] / "figures" / "of_another_run.png").write_bytes(b"")
    for folder in folders:
        tables = TableFiles(*(folder / name.replace("_", ".") for name in TableFiles._fields))
        write_report(
            finished, folder / "report.html", folder / "figures", tables, Links("cost.html", "view/index.html")
        )
    return folders


@pytest.fixture(scope="session")
def stereo(houses: Scene, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Return the three houses with radar, four views in two pairs, and a surface model 2 m too high with a hole."""
    folder, rng = tmp_path_factory.mktemp("stereo"), np.random.default_rng(1)
    surface = 102 + _truth()
    filled = np.zeros(GRID.shape, np.uint8)
    filled[200:210, 200:220] = 1
    sar = rng.normal(-10, 3, (4, *GRID.shape)).astype(np.float32)
    sar[:, :15] = np.nan
    write_cog(folder / "sar.tif", sar, GRID, [Band(name, "dB") for name in POLARISATIONS], nodata=np.nan)
    write_cog(folder / "dsm_initial.tif", surface, GRID, [height_band("dsm")], nodata=NODATA)
    write_cog(folder / "dsm_filled.tif", filled, GRID, [Band("dsm_filled")], nodata=255, categorical=True)
    layers = {name: dataclasses.replace(layer, file=str(houses.path(name))) for name, layer in houses.layers.items()}
    layers |= {"sar": SceneLayer.of(folder / "sar.tif", list(POLARISATIONS), "dB", 180.0)}
    layers |= {name: SceneLayer.of(folder / f"{name}.tif", ["dsm"]) for name in ("dsm_initial", "dsm_filled")}
    for number in (1, 2, 3, 4):
        view = rng.integers(1, 200, GRID.shape, np.uint8)
        write_cog(folder / f"view_{number}.tif", view, GRID, [Band("pan")], nodata=0)
        layers[f"view_{number}"] = SceneLayer.of(folder / f"view_{number}.tif", ["pan"])
    write_pairs([Pair(first=1, second=2, use=["train"]), Pair(first=3, second=4)], folder / "pairs.csv")
    layers["pairs"] = SceneLayer.of(folder / "pairs.csv")
    scene = dataclasses.replace(houses, folder=folder, layers=layers)
    scene.save()
    return scene


@pytest.fixture(scope="session")
def refined(stereo: Scene, areas: geopandas.GeoDataFrame, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run of a method that halves the error of the initial surface model, from two pairs."""
    folder = tmp_path_factory.mktemp("refined")
    surfaces = {"final": 101, "pair1": 100.5, "pair2": 101.5}
    for name, offset_m in surfaces.items():
        surface = (offset_m + _truth()).astype(np.float32)
        write_cog(folder / f"{name}.tif", surface, GRID, [height_band("dsm")], nodata=NODATA)
    pairs = {number: folder / f"pair{number}.tif" for number in (1, 2)}
    heights = {"resdepth_stereo": folder / "final.tif", "initial_dsm": stereo.path("dsm_initial")}
    return _run(folder, stereo, areas, heights, {"resdepth_stereo": pairs})


@pytest.fixture(scope="session")
def terrain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run over a scene of ten bands with terrain as the only reference; the prediction is 3 m too high."""
    folder = tmp_path_factory.mktemp("terrain")
    grid = Grid(GRID.crs, Affine(10, 0, 500_000, 0, -10, 5_800_000), 96, 80)
    ground = np.tile(np.linspace(300, 700, 96, dtype=np.float32), (80, 1))
    ms = np.random.default_rng(2).integers(1, 3000, (10, *grid.shape), np.uint16)
    write_cog(folder / "ms.tif", ms, grid, [Band(name) for name in LAND_BANDS], nodata=0)
    for name, heights in (("dtm", ground), ("dem", ground + 3)):
        write_cog(folder / f"{name}.tif", heights, grid, [height_band(name)], nodata=NODATA)
    layers = {
        "ms": SceneLayer.of(folder / "ms.tif", list(LAND_BANDS)),
        "dtm": SceneLayer.of(folder / "dtm.tif", ["dtm"]),
    }
    scene = Scene(folder, "land", "hill", grid, layers)
    row = {"fold": 0, "part": "test", "dataset": "land", "scene": "hill", "geometry": box(0, 0, 96, 80)}
    areas = geopandas.GeoDataFrame([row], geometry="geometry", crs=None)
    return _run(folder, scene, areas, {"mean_height": folder / "dem.tif"}, {})


def _run(
    folder: Path,
    scene: Scene,
    areas: geopandas.GeoDataFrame,
    heights: dict[str, Path],
    pairs: dict[str, dict[int, Path]],
) -> Run:
    """Return a finished run without building polygons, of these heights by method."""
    settings = {"name": "tiny", "title": "T", "scenes": {scene.dataset: {scene.name: "split"}}, "methods": [*heights]}
    experiment, params = parse(Experiment, settings, "test"), parse(Params, read_yaml(ROOT / "params.yaml"), "test")
    write_table(
        geopandas.GeoDataFrame({"height_m": [], "volume_m3": []}, geometry=[], crs=scene.grid.crs),
        folder / "none.parquet",
    )
    write_cog(
        folder / "none.tif", np.zeros(scene.grid.shape, np.uint8), scene.grid, [Band("building")], nodata=255,
        categorical=True,
    )  # fmt: skip
    scores, files = [], {}
    for method, height in heights.items():
        predicted = [Predicted(scene, height, folder / "none.tif", folder / "none.parquet", pairs.get(method, {}))]
        scores.append(evaluate_method(method, 0, predicted, areas, params.metrics).scores)
        histories = {fold: _write_history(method, fold, folder) for fold in areas["fold"].unique().tolist()}
        files[method] = MethodFiles(
            predicted, histories, write_tiles(folder / f"{method}_tiles.parquet", method, scene)
        )
    Image.new("RGB", (40, 20), "white").save(folder / "folds.png")
    recipes = {name: load_recipe(ROOT / "config/methods", name) for name in heights}
    return Run(
        experiment, params, recipes, experiment_scores(*scores), NO_UNCERTAINTY, [scene], [scene],
        {scene.dataset: ABOUT}, areas, folder / "folds.png", files, {}, {}, {},
    )  # fmt: skip


def uncertainty_of(metrics: ExperimentScores) -> Uncertainty:
    """Return intervals of ± 0.1 m for RMSE, MAE and bias, and comparisons of im2height with the others."""
    intervals = [
        Interval(method, 0, stratum, score, value, value - 0.1, value + 0.1, 30, 64.0)
        for method in metrics.methods
        for stratum, scores in metrics.seeds(method)[0].strata.items()
        for score in ("rmse_m", "mae_m", "bias_m")
        if (value := scores[score]) is not None
    ]
    better = Comparison("im2height", "mean_height", "all", "rmse_m", -1.0, -1.5, -0.5, 0.001, 0.003, 30, "first")
    alike = Comparison("im2height", "zero_height", "all", "rmse_m", -0.1, -0.5, 0.3, 0.4, 0.4, 30, "")
    coverages = [
        Coverage(method, 0, kind, stratum, level, level - 0.02, *ends, 2.5, 0.75, 12_345, 30)
        for method in ("zero_height", "im2height")
        for kind, stratum in (("buildings", "all"), ("pixels", "height_3_10"), ("pixels", "all"))
        for level, ends in ((0.5, (math.nan, math.nan)), (0.9, (0.85, 0.91)))
    ]
    return Uncertainty(intervals, [better, alike], 0, coverages)


def write_tiles(path: Path, method: str, scene: Scene | None = None) -> Path:
    """Write a table of four tiles whose RMSE are 1, 2, 3 and 4 m, and a sliver that is worse; return its path."""
    dataset, name = ("demo", "houses") if scene is None else (scene.dataset, scene.name)
    rows = [
        [method, 0, dataset, name, 64 * n, 64, 64, "all", pixels, pixels * rmse_m**2]
        for n, (rmse_m, pixels) in enumerate([(3.0, 4096), (1.0, 4096), (4.0, 4000), (2.0, 1024), (9.0, 8)])
    ]
    columns = ["method", "seed", "dataset", "scene", "col_off", "row_off", "size_px", "stratum", "pixels"]
    frame = pandas.DataFrame(rows, columns=[*columns, "square_sum_m2"])
    write_table(frame.reindex(columns=["method", "seed", "dataset", "scene", *COLUMNS]), path)
    return path


def _truth() -> np.ndarray:
    """Return the true heights of the houses, HxW float32 metres."""
    truth = np.zeros(GRID.shape, np.float32)
    for (top, left, bottom, right), height in HOUSES.items():
        truth[top:bottom, left:right] = height
    return truth


def _write_prediction(scene: Scene, method: str, folder: Path) -> Path:
    truth = _truth()
    predicted = {"mean_height": truth * 0 + 2, "zero_height": truth * 0, "im2height": 0.9 * gaussian_filter(truth, 2)}
    path = folder / f"{method}.tif"
    write_cog(path, predicted[method].astype(np.float32), scene.grid, [height_band("ndsm")], nodata=NODATA)
    return path


def _write_history(method: str, fold: int, folder: Path) -> Path:
    samples = [0] if method != "im2height" else [100, 200, 300]
    rows = {
        "samples": samples,
        "train_loss": [1 / (1 + n) for n in samples],
        "val_rmse_m": [3 - n / 200 for n in samples],
    }
    path = folder / f"{method}{fold}.csv"
    pandas.DataFrame(rows).to_csv(path, index=False)
    return path
