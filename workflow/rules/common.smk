"""Reads and checks the settings of the experiment once, before the graph is built, and defines what the rules share.

Needs: params.yaml and the files of config/. Makes: constants; no rules.
"""

import gc
import os
import sys
from pathlib import Path

# Jobs use the programs of the environment in which Snakemake runs, activated or not, and the package of this checkout.
SOURCE = str(Path(workflow.basedir).parent / "src")
sys.path[:0] = [SOURCE, f"{workflow.basedir}/rules"]
os.environ.update(PYTHONPATH=SOURCE, PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]))

# The graph has millions of objects, none of them garbage: collection takes a sixth of the time to plan a large run.
gc.disable()


onstart:
    gc.freeze()
    gc.enable()
    record_code()


import paths
from settings_file import SettingsFile
from steps import STEPS, TABLE

from img2height.errors import SettingsError
from img2height.published.table import figures_of, tables_of
from img2height.settings.dataset import About
from img2height.settings.project import load_project

ENVIRONMENT = "../../envs/img2height.yaml"  # used with `--sdm conda` only
CONFIG_KEYS = ("experiment", "experiments", "datasets")


def stop(message):
    """End the program with one clear line instead of a traceback."""
    sys.exit(f"error: {message}")


def load_settings():
    """Return the checked settings of the experiment that the configuration names."""
    if wrong := sorted(set(config) ^ set(CONFIG_KEYS)):
        stop(f"configuration: {wrong[0]!r} is missing or not a key; the keys are {', '.join(CONFIG_KEYS)}")
    try:
        project = load_project(
            str(config["experiment"]),
            params=Path("params.yaml"),
            experiments=Path(config["experiments"]),
            datasets=Path(config["datasets"]),
            methods=Path("config/methods"),
        )
        check_scenes(project.scenes, project.folds)
    except SettingsError as error:
        stop(error)
    return project


def check_scenes(scenes, folds):
    """Refuse scenes whose results would be written to the same files."""
    names = [scene for _, scene, _ in scenes]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SettingsError(
            f"two datasets have a scene {twice[0]!r}, and results are kept by scene: rename one of them"
        )
    if len(folds) > 1 and (whole := [scene for _, scene, role in scenes if role == "test"]):
        raise SettingsError(
            f"scene {whole[0]} has the role test and would be predicted in each of {len(folds)} folds: "
            "give it the role split, or run one fold (folds: [0])"
        )


project = load_settings()
EXPERIMENT = project.experiment.name
EXPERIMENT_FILE = f"{config['experiments']}/{EXPERIMENT}.yaml"
METHODS = list(project.recipes)
VIEW_METHODS = [name for name in METHODS if project.recipes[name].merged_views]
FOOTPRINT_METHODS = [name for name in METHODS if "footprint" in project.recipes[name].outputs]
REFINING_METHODS = [name for name in METHODS if "dsm_initial" in project.recipes[name].required]
SEEDS = project.experiment.seeds
PUBLISHED_TABLES = tables_of(Path("config/tables"), METHODS)
PUBLISHED_FIGURES = figures_of(Path("config/figures"), METHODS)
FOLDS = project.folds
MEASURED = [paths.ENGINES] if project.params.inference.engine != "exact" else []  # what engines do to the scores
DATASET_OF = {scene: dataset for dataset, scene, _ in project.scenes}
TEST_SCENES = [scene for _, scene in project.test_scenes]

# Notes and references of a recipe change no result, so that they may be edited later.
SECTIONS = {
    name: SettingsFile(name, getattr(project.params, name).model_dump(mode="json"))
    for name in type(project.params).model_fields
}
RECIPES = {
    name: SettingsFile(f"recipe-{name}", recipe.model_dump(mode="json", exclude={"notes", "paper"}))
    for name, recipe in project.recipes.items()
}

GRIDS = {
    name: SettingsFile(f"grid-{name}", file.grid.model_dump(mode="json")) for name, file in project.datasets.items()
}
ABOUT = {
    name: SettingsFile(f"about-{name}", file.model_dump(mode="json", include=set(About.model_fields)))
    for name, file in project.datasets.items()
}

ALL_ABOUT = [paths.ABOUT.format(dataset=name) for name in dict.fromkeys(DATASET_OF.values())]
ALL_SCENES = [paths.SCENE.format(dataset=dataset, scene=scene) for dataset, scene, _ in project.scenes]
ALL_TILES = [
    paths.TILES.format(experiment=EXPERIMENT, dataset=dataset, scene=scene) for dataset, scene, _ in project.scenes
]


wildcard_constraints:
    experiment=EXPERIMENT,
    dataset="|".join(project.datasets),
    scene="[a-z0-9_]+",  # listing a thousand scenes in each pattern would take a minute to parse
    method="|".join(METHODS),
    fold="|".join(map(str, FOLDS)),
    seed="|".join(map(str, SEEDS)),
    height="height(_pair[0-9]+)?",
