"""Reads and checks the settings of the experiment once, before the graph is built, and names what the rules share.

Needs: params.yaml and the files of config/. Makes: constants, path patterns and input functions; no rules.
"""

import gc
import json
import os
import sys
from pathlib import Path

# Jobs find the programs of the environment that Snakemake runs in, activated or not, and all use this checkout's package.
SOURCE = str(Path(workflow.basedir).parent / "src")
sys.path.insert(0, SOURCE)
os.environ.update(PYTHONPATH=SOURCE, PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]))

# A graph is millions of objects and none of them garbage: looking for it is a sixth of the time to plan a large run.
gc.disable()


onstart:
    gc.freeze()
    gc.enable()


from img2height.errors import SettingsError
from img2height.settings.parsing import meant
from img2height.settings.project import load_project
from img2height.provenance import code_digest
from img2height.published.table import figures_of, load_figure, tables_of
from img2height.settings.dataset import used_pairs

ENVIRONMENT = "../../envs/img2height.yaml"  # used with `--sdm conda` only
CONFIG_KEYS = ("experiment", "experiments", "datasets")


def stop(message):
    """End with one clear line instead of a traceback."""
    sys.exit(f"error: {message}")


def load_settings():
    """Return the checked settings of the experiment that the configuration names."""
    if wrong := sorted(set(config) ^ set(CONFIG_KEYS)):
        stop(f"configuration: {wrong[0]!r} is unknown or missing; the keys are {', '.join(CONFIG_KEYS)}")
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
    """Refuse scenes whose results would lie in the same place or over each other."""
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
METHODS = project.experiment.methods
VIEW_METHODS = [name for name in METHODS if "views" in project.recipes[name].inputs]
FOOTPRINT_METHODS = [name for name in METHODS if "footprint" in project.recipes[name].outputs]
REFINING_METHODS = [name for name in METHODS if "dsm_initial" in project.recipes[name].inputs]
SEEDS = project.experiment.seeds
PUBLISHED_TABLES = tables_of(Path("config/tables"), METHODS)
PUBLISHED_FIGURES = figures_of(Path("config/figures"), METHODS)
FOLDS = project.folds
DATASET_OF = {scene: dataset for dataset, scene, _ in project.scenes}
TEST_SCENES = [scene for _, scene in project.test_scenes]

# What jobs are given as JSON. Notes and references of a recipe change no result, so that they may be mended later.
SECTIONS = {name: getattr(project.params, name).model_dump_json() for name in type(project.params).model_fields}
RECIPES = {name: recipe.model_dump_json(exclude={"notes", "paper"}) for name, recipe in project.recipes.items()}
RECIPES_TO_SHOW = json.dumps({name: recipe.model_dump(mode="json") for name, recipe in project.recipes.items()})

ALL_SCENES = [f"data/scenes/{dataset}/{scene}/scene.json" for dataset, scene, _ in project.scenes]
ALL_TILES = [f"data/tiles/{EXPERIMENT}/{dataset}/{scene}.parquet" for dataset, scene, _ in project.scenes]
MODEL = "models/{experiment}/{method}/fold{fold}/seed{seed}"
STRIPS = "scratch/strips/{experiment}/{method}/seed{seed}/{scene}"
FOLD_RESULT = "results/{experiment}/{method}/fold{fold}/seed{seed}/{scene}"
RESULT = "results/{experiment}/{method}/oof/seed{seed}/{scene}"
SCORES = "results/{experiment}/{method}/oof/seed{seed}/scores.json"


wildcard_constraints:
    experiment=EXPERIMENT,
    dataset="|".join(project.datasets),
    scene="[a-z0-9_]+",  # the names of a thousand scenes, in each pattern, take a minute to read
    method="|".join(METHODS),
    fold="|".join(map(str, FOLDS)),
    seed="|".join(map(str, SEEDS)),
    height="height(_pair[0-9]+)?",


def results(pattern, seeds=SEEDS, methods=METHODS):
    """Return the files of a pattern for all methods, seeds, folds and test scenes, in this order."""
    files = expand(
        pattern,
        experiment=EXPERIMENT,
        method=methods,
        seed=seeds,
        fold=FOLDS,
        scene=TEST_SCENES,
    )
    return list(dict.fromkeys(files))


def scaled(amount):
    """Return the resource function that asks for an amount at first, and as much again at each further attempt."""
    return lambda wildcards, attempt: amount * attempt


def manifest(wildcards):
    """Return the manifest of the scene, whose dataset is not in the path of a result."""
    if wildcards.scene not in DATASET_OF:
        stop(f"experiment {EXPERIMENT} has no scene {meant(wildcards.scene, DATASET_OF)}")
    return f"data/scenes/{DATASET_OF[wildcards.scene]}/{wildcards.scene}/scene.json"


def pairs(method, scene):
    """Return by pair number the views that a method looks at together in a test scene; empty for all other methods."""
    views = project.recipes[method].inputs.get("views")
    if not views:
        return {}
    file = project.datasets[DATASET_OF[scene]].scenes[scene]
    return used_pairs(file.pairs, "test", views, len(file.layers.views))


def views_of_pair(wildcards):
    """Return the flag of `predict` that names the views of a pair, if the method looks at any."""
    number = wildcards.height.removeprefix("height_pair")
    if number == "height":
        return []
    return ["--views", *pairs(wildcards.method, wildcards.scene)[int(number)]]


def probability(wildcards):
    """Return the building probability of a scene, of methods that tell footprints."""
    told = wildcards.method in FOOTPRINT_METHODS
    return [f"{RESULT}/probability.tif".format(**wildcards)] if told else []


def pair_heights(wildcards):
    """Return the heights from each pair of a method in all test scenes; none of methods that look at no pairs."""
    return [
        f"{RESULT}/height_pair{pair}.tif".format(scene=scene, **wildcards)
        for scene in TEST_SCENES
        for pair in pairs(wildcards.method, scene)
    ]


def code_of(script, *modules):
    """Return what makes a job run again when a script or the code behind it changes."""
    return code_digest(f"scripts/{script}.py", *modules)


def code_of_method(script):
    """Return the parameter function of `code_of` for a script that loads the network of the method by its name."""
    return lambda wildcards: code_of(script, f"img2height.methods.{project.recipes[wildcards.method].network}")


def starting_model(wildcards):
    """Return the files that a training starts from, if it does: of a model folder, and of an encoder's weights."""
    recipe = project.recipes[wildcards.method]
    folder, weights = recipe.init_from, recipe.options.get("weights", "none")
    files = [f"{folder}/model.safetensors", f"{folder}/card.json"] if folder else []
    made_here = folder and folder.startswith(f"models/{EXPERIMENT}/")
    if not made_here and (missing := [file for file in files if not Path(file).exists()]):
        stop(f"method {wildcards.method} starts from a model that is not there: {', '.join(missing)}; train it first")
    return files if weights in ("none", "imagenet") else [*files, weights]


def tiles_of_figure(wildcards):
    """Return the tiles of both methods of a published figure, of the first seed."""
    figure = load_figure(Path(f"config/figures/{wildcards.figure}.yaml"))
    folder = f"results/{wildcards.experiment}/{{}}/oof/seed{SEEDS[0]}/tiles.parquet"
    return [folder.format(method) for method in (figure.across, figure.up)]


def recipe(wildcards):
    """Return the recipe of the method as JSON."""
    return RECIPES[wildcards.method]


def scene_file(wildcards):
    """Return the checked scene of a dataset file."""
    scenes = project.datasets[wildcards.dataset].scenes
    if wildcards.scene not in scenes:
        stop(f"dataset {wildcards.dataset} has no scene {meant(wildcards.scene, scenes)}")
    return scenes[wildcards.scene]


def scene_json(wildcards):
    """Return a scene of a dataset file as JSON."""
    return scene_file(wildcards).model_dump_json(exclude_none=True)


def raw_folder(wildcards):
    """Return where the layers of a scene are delivered: data/raw/, or scratch/ for a scene that a rule makes."""
    file = scene_file(wildcards)
    if file.city or file.land:
        return f"scratch/{'city' if file.city else 'land'}/{wildcards.dataset}/{wildcards.scene}"
    return f"data/raw/{wildcards.dataset}"


def raw_layers(wildcards):
    """Return the delivered files of a scene, or end with a line that says which is missing."""
    folder = raw_folder(wildcards)
    if folder.startswith("scratch/"):
        return [folder]
    files = [f"{folder}/{layer.path}" for _, layer in scene_file(wildcards).layers.items()]
    if missing := [file for file in files if not Path(file).exists()]:
        stop(
            f"scene {wildcards.dataset}/{wildcards.scene}: missing {', '.join(missing)}; "
            f"put the delivered files into {folder}/ (links will do)"
        )
    return [part for file in files for part in parts_of(file)]


def parts_of(file):
    """Return a delivered file and all that is read with it: the parts of a shapefile, the rasters behind a VRT."""
    path = Path(file)
    if path.suffix.lower() == ".shp":
        return sorted(map(str, path.parent.glob(f"{path.stem}.*")))
    if path.suffix.lower() == ".vrt":
        import rasterio  # a quarter of a second that other experiments need not wait

        with rasterio.open(path) as mosaic:
            return [os.path.relpath(part) for part in mosaic.files if Path(part).is_file()]
    return [file]


def delivered_bytes(wildcards):
    """Return the sizes of delivered files: one replaced by a file of an older date would not count otherwise."""
    return [path.stat().st_size for path in map(Path, raw_layers(wildcards)) if path.is_file()]


def about(wildcards):
    """Return what a manifest says of its dataset as JSON."""
    keys = {"title", "source", "licence", "vertical_reference"}
    return project.datasets[wildcards.dataset].model_dump_json(include=keys)


def grid(wildcards):
    """Return the target grid of the dataset as JSON."""
    return project.datasets[wildcards.dataset].grid.model_dump_json()


def region_file():
    """Return the file of the areas that divide the ground, if they do, or end with a line that says it is missing."""
    split = project.params.split
    if split.strategy != "regions":
        return []
    if not Path(split.regions.file).exists():
        stop(f"split.regions: the file {split.regions.file} does not exist; it holds the areas that divide the ground")
    return parts_of(split.regions.file)
