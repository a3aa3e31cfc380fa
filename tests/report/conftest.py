"""A tiny finished experiment: one scene of two folds, three methods, and what each of them left."""

from pathlib import Path

import geopandas
import numpy as np
import pandas
import pytest
from affine import Affine
from rasterio.crs import CRS
from scipy.ndimage import gaussian_filter
from shapely.geometry import box

from img2height.metrics.method import evaluate_method
from img2height.parsing import merge, parse, read_yaml
from img2height.project import load_recipe
from img2height.rasters import NODATA, Band, Grid, height_band, write_cog
from img2height.report.page import Run
from img2height.report.scores import collect
from img2height.scenes.scene import Scene, SceneLayer
from img2height.settings import Experiment, Params
from img2height.tables import write_table

ROOT = Path(__file__).parents[2]
GRID = Grid(CRS.from_epsg(32633), Affine(0.5, 0, 500_000, 0, -0.5, 5_800_000), 300, 280)
HOUSES = {(40, 60, 70, 100): 6.0, (120, 200, 150, 240): 9.0, (180, 30, 230, 90): 24.0}
ABOUT = {"title": "Three houses", "source": "a test", "licence": "CC0-1.0", "vertical_reference": "zero"}
METHODS = ["mean_height", "im2height", "zero_height"]


@pytest.fixture(scope="session")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Return a scene of three houses on flat ground, unknown in one corner; the image has a hole elsewhere."""
    folder = tmp_path_factory.mktemp("houses")
    ndsm = np.zeros(GRID.shape, np.float32)
    for (top, left, bottom, right), height in HOUSES.items():
        ndsm[top:bottom, left:right] = height
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
    layers = {name: SceneLayer(f"{name}.tif", "", there) for name, there in names.items()}
    scene = Scene(folder, "demo", "houses", GRID, layers, ABOUT)
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
    """Return a run whose network sees the houses blurred and a little low."""
    folder = tmp_path_factory.mktemp("run")
    settings = {
        "name": "tiny", "title": "Tiny town", "scenes": {"demo": {"houses": "split"}}, "methods": METHODS,
        "params": {"tiling": {"tile_px": 64}}, "recipes": {"im2height": {"batch_size": 2}},
    }  # fmt: skip
    experiment = parse(Experiment, settings, "test")
    params = parse(Params, merge(read_yaml(ROOT / "params.yaml"), experiment.params), "test")
    scores, heights, polygons, histories = [], [], [], []
    for method in METHODS:
        heights.append(_write_prediction(houses, method, folder))
        polygons.append(folder / f"{method}.parquet")
        found = [box(500_031, 5_799_966, 500_049, 5_799_979)] if method == "im2height" else []
        write_table(geopandas.GeoDataFrame(geometry=geopandas.GeoSeries(found, crs=GRID.crs)), polygons[-1])
        result, _ = evaluate_method(
            [houses], [heights[-1]], [houses.path("building")], [polygons[-1]], areas, params.metrics
        )
        scores.append({"method": method, "seed": 0, "scenes": ["demo/houses"], **result})
        histories += [_write_history(method, fold, folder) for fold in (0, 1)]
    folds_map = folder / "folds.png"
    folds_map.write_bytes(b"\x89PNG not looked into")
    recipes = {name: load_recipe(ROOT / "config/methods", name, experiment.recipes.get(name)) for name in METHODS}
    return Run(experiment, params, recipes, collect(scores), [houses], areas, folds_map, heights, polygons, histories)


def _write_prediction(scene: Scene, method: str, folder: Path) -> Path:
    truth = np.zeros(GRID.shape, np.float32)
    for (top, left, bottom, right), height in HOUSES.items():
        truth[top:bottom, left:right] = height
    known = {"mean_height": truth * 0 + 2, "zero_height": truth * 0, "im2height": 0.9 * gaussian_filter(truth, 2)}
    path = folder / f"{method}.tif"
    write_cog(path, known[method].astype(np.float32), scene.grid, [height_band("ndsm")], nodata=NODATA)
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
