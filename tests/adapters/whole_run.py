"""An imported dataset through all steps, in process: from its scenes to scores."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas
import yaml

from img2height.buildings.scene import extract_scene
from img2height.inference.plan import Task
from img2height.inference.predict import predict_strips
from img2height.inference.stitch import mosaic_folds
from img2height.io.tables import write_table
from img2height.models.folder import load_model
from img2height.samples.plan import plan_samples
from img2height.scenes.listing import ListedScene
from img2height.scenes.pairs import pairs_of
from img2height.scenes.prepare import prepare_scene
from img2height.scenes.scene import Scene
from img2height.scoring.method import Predicted, Scored, evaluate_method
from img2height.settings.dataset import Dataset
from img2height.settings.project import Project, load_named, load_project
from img2height.tiles.areas import area_of
from img2height.tiles.audit import audit_folds
from img2height.tiles.buffers import buffer_of
from img2height.tiles.folds import IndexedScene, split_folds
from img2height.tiles.index import index_tiles
from img2height.tiles.record import refuse_leaks
from img2height.training.job import TrainingJob
from img2height.training.run import train

ROOT = Path(__file__).parents[2]
NETWORKS: dict[str, dict[str, Any]] = {
    "unet": {"options": {"encoder": "tu-resnet10t", "depth": 3, "width": 16}, "batch_size": 2},
    "resdepth": {"options": {"depth": 2, "start_kernel": 4}, "batch_size": 2, "sampling": {"positions": 4}},
}
TRAINING = {"samples": 4, "validate_every": 4, "val_tiles": 1, "threads": 1, "precision": {"cpu": "32-true"}}


@dataclass(frozen=True)
class Run:
    """What a run made."""

    scenes: list[Scene]
    tiles: pandas.DataFrame
    scored: Scored


def run(name: str, folder: Path) -> Run:
    """Run the first method of the experiment that an import wrote, on its first fold, with a tiny network.

    Args:
        name: of the dataset and the experiment.
        folder: of the project; contains config/ and data/raw/.
    """
    project = _project(name, folder)
    scenes = [prepared(name, scene, folder) for _, scene, _ in project.scenes]
    listing = [ListedScene(scene, role) for scene, (_, _, role) in zip(scenes, project.scenes, strict=True)]
    params = project.params
    indexed = [IndexedScene(scene, role, index_tiles(scene, params.tiling)) for scene, role in listing]
    folds = split_folds(indexed, params.split, tile_px=params.tiling.tile_px, folds=[0])
    refuse_leaks(audit_folds(scenes, folds.tiles, folds.areas, buffer_of(params.split, scenes, params.tiling.tile_px)))
    model = _train(project, scenes, folds.tiles, folds.areas, folder)
    tested = set(folds.areas.loc[folds.areas["part"] == "test", "scene"])
    predictions = [_predict(project, scene, folds.areas, model, folder) for scene in scenes if scene.name in tested]
    method = next(iter(project.recipes))
    scored = evaluate_method(method, 0, predictions, folds.areas, params.metrics, ["height"], 1)
    return Run(scenes, folds.tiles, scored)


def _project(name: str, folder: Path) -> Project:
    """Return the written experiment, shortened: one method, two steps, a tiny network."""
    file = folder / f"config/experiments/{name}.yaml"
    written = yaml.safe_load(file.read_text())
    method = written["methods"][0]
    tiny = NETWORKS[method.partition("_")[0]] | written.get("recipes", {}).get(method, {})
    short = written | {"methods": [method], "recipes": {method: tiny}}
    short["params"] = written.get("params", {}) | {"training": TRAINING}
    file.write_text(yaml.safe_dump(short))
    config = folder / "config"
    return load_project(
        name, params=ROOT / "params.yaml", experiments=config / "experiments", datasets=config / "datasets",
        methods=ROOT / "config/methods",
    )  # fmt: skip


def prepared(name: str, scene: str, folder: Path) -> Scene:
    """Return a prepared scene of a dataset file of a project."""
    dataset = load_named(Dataset, folder / "config/datasets", name)
    return prepare_scene(
        dataset.scenes[scene], dataset=name, name=scene, raw=folder / "data/raw" / name, grid=dataset.grid,
        folder=folder / "data/scenes" / name / scene,
    )  # fmt: skip


def _train(
    project: Project, scenes: list[Scene], tiles: pandas.DataFrame, areas: pandas.DataFrame, folder: Path
) -> Path:
    ((method, recipe),) = project.recipes.items()
    trained = areas[areas["part"] == "train"]
    there = [scene for scene in scenes if scene.name in set(trained["scene"])]
    samples = plan_samples(
        tiles[tiles["part"] == "train"], trained, samples=project.params.training.samples, seed=0,
        symmetries=project.symmetries[method], augmentation=recipe.augmentation, sampling=recipe.sampling,
        pairs=pairs_of(there, "train", recipe) if "views" in recipe.inputs else None,
    )  # fmt: skip
    job = TrainingJob(method, recipe, project.params.training, 0, 0, samples, tiles, scenes, areas)
    train(job, folder / "model", folder / "scratch", workers=0)
    return folder / "model"


def _predict(project: Project, scene: Scene, areas: pandas.DataFrame, model: Path, folder: Path) -> Predicted:
    ((_, recipe),) = project.recipes.items()
    views = sorted(pairs_of([scene], "test", recipe).iloc[0, 1:3]) if "views" in recipe.inputs else []
    out = folder / "results" / scene.name
    out.mkdir(parents=True)
    area = area_of(areas, "test", scene.dataset, scene.name, 0)
    task = Task(load_model(model), scene, views, project.params.inference, folder / "strips" / scene.name, area)
    predict_strips(task, threads=1).write_bands(slice(1), out / "fold.tif")
    mosaic_folds([out / "fold.tif"], scene.grid, out / "height.tif")
    found = extract_scene(out / "height.tif", scene, project.params.buildings, out / "footprint.tif", None)
    write_table(found, out / "buildings.parquet")
    return Predicted.in_folder(scene, out)
