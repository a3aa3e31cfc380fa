"""The functions that give rules their inputs, parameters and resources.

Needs: the constants of common.smk. Makes: functions; no rules.
"""

import code_record
from gpus import has_gpu
from img2height.errors import DataError
from img2height.io.parts import parts_of
from img2height.provenance.digest import code_digest
from img2height.published.table import load_figure
from img2height.settings.dataset import used_pairs
from img2height.settings.installed import network_modules
from img2height.settings.parsing import meant


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


def of_experiment(pattern):
    """Return the file of a pattern in which the experiment is the only wildcard: targets hold none."""
    return pattern.format(experiment=EXPERIMENT)


def scaled(amount):
    """Return the resource function that asks for an amount at first, and as much again at each further attempt."""
    return lambda wildcards, attempt: amount * attempt


def gpus(wildcards):
    """Return the number of GPUs that a job asks for: one, but none on a machine without, where jobs share the cores."""
    on_this_machine = workflow.local_exec and not workflow.remote_exec
    return 0 if on_this_machine and not has_gpu() else 1


def manifest(wildcards):
    """Return the manifest of the scene, whose dataset is not in the path of a result."""
    if wildcards.scene not in DATASET_OF:
        stop(f"experiment {EXPERIMENT} has no scene {meant(wildcards.scene, DATASET_OF)}")
    return paths.SCENE.format(dataset=DATASET_OF[wildcards.scene], scene=wildcards.scene)


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
    return [f"{paths.RESULT}/probability.tif".format(**wildcards)] if told else []


def pair_heights(wildcards):
    """Return the heights from each pair of a method in all test scenes; none of methods that look at no pairs."""
    return [
        f"{paths.RESULT}/height_pair{pair}.tif".format(scene=scene, **wildcards)
        for scene in TEST_SCENES
        for pair in pairs(wildcards.method, scene)
    ]


def flags(name, records):
    """Return one flag with several values for each record of a program's input, e.g. `--fold 0 card.json height.tif`."""
    return [str(value) for record in records for value in (name, *record)]


def predicted_folds(wildcards, input, output):
    """Return the flags of the folds to predict: number, card of the model, and the files of each band."""
    count = len(FOLDS)
    return flags("--fold", [(fold, input.models[n], *output.parts[n::count]) for n, fold in enumerate(FOLDS)])


def merged_folds(wildcards, input, output):
    """Return the flags of the folds whose pairs are merged: the heights to write, and those of each pair."""
    count = len(input.pairs) // len(FOLDS)
    return flags(
        "--fold", [(height, *input.pairs[n * count : (n + 1) * count]) for n, height in enumerate(output.heights)]
    )


def masked_folds(wildcards, output):
    """Return the flags of the folds whose part of the building mask is written."""
    return flags("--fold", zip(FOLDS, output.fold_footprints))


def scored(wildcards, input):
    """Return the flags of what was scored: scores and tiles of each method and seed."""
    return flags("--scored", zip(input.scores, input.tiles))


CODE = {}  # by digest, the script and the modules that it is of


def code_of(script, *modules):
    """Return what makes a job run again when a script or the code behind it changes."""
    roots = (f"scripts/{script}.py", *modules)
    digest = code_digest(*roots)
    CODE[digest] = roots
    return digest


def code_of_generator(wildcards):
    """Return `code_of` for the script that makes the layers of a scene, empty where they are delivered.

    The job that reads them has to carry it: of a job that failed, Snakemake 9 records the parameters as if it had ended
    well, so that what was made from its removed output passes for up to date at the next run.
    """
    file = scene_file(wildcards)
    made_by = [generator for generator in ("city", "land") if getattr(file, generator)]
    return "".join(code_of(f"make_{generator}") for generator in made_by)


def code_of_method(script):
    """Return the parameter function of `code_of` for a script that loads the network of the method by its name."""
    return lambda wildcards: code_of(script, network_modules()[project.recipes[wildcards.method].network])


def record_code():
    """Record what the digests of code stand for, those of jobs that are planned later too."""
    for network in {recipe.network for recipe in project.recipes.values()}:
        for script in ("train", "predict"):
            code_of(script, network_modules()[network])
    for digest, roots in CODE.items():
        code_record.record(digest, roots)


def starting_model(wildcards):
    """Return the files that a training starts from, if it does: of a model folder, and of an encoder's weights."""
    recipe = project.recipes[wildcards.method]
    folder, weights = recipe.init_from, recipe.options.get("weights", "none")
    files = [f"{folder}/model.safetensors", f"{folder}/card.json"] if folder else []
    if folder and is_made_here(folder):
        require_own_fold(wildcards.method, folder)
    elif missing := [file for file in files if not Path(file).exists()]:
        stop(f"method {wildcards.method} starts from a model that is not there: {', '.join(missing)}; train it first")
    return files if weights in ("none", "imagenet") else [*files, weights]


def starting_card(wildcards):
    """Return the card of the model that a training starts from, if another experiment made it.

    One of this experiment is of the same fold; on a cluster this job is of the group that makes the folds, for which its
    training waits.
    """
    folder = project.recipes[wildcards.method].init_from
    return [] if folder is None or is_made_here(folder) else [f"{folder}/card.json"]


def is_made_here(folder):
    """Return whether a model folder is one of this experiment."""
    return folder.startswith(f"models/{EXPERIMENT}/")


def require_own_fold(method, folder):
    """End with one line if a fold would start from a model of another, which was trained on what this one tests."""
    if others := [fold for fold in FOLDS if f"fold{fold}" not in Path(folder).parts]:
        stop(
            f"method {method} starts in fold {others[0]} from {folder}, which was trained on the area that this fold "
            "tests; run only the fold of that model (folds: in the experiment), or start from a model of another place"
        )


def tiles_of_figure(wildcards):
    """Return the tiles of both methods of a published figure, of the first seed."""
    figure = load_figure(Path(f"config/figures/{wildcards.figure}.yaml"))
    return [
        paths.TILE_SCORES.format(experiment=wildcards.experiment, method=method, seed=SEEDS[0])
        for method in (figure.across, figure.up)
    ]


def recipe(wildcards):
    """Return the recipe of the method."""
    return RECIPES[wildcards.method]


def scene_file(wildcards):
    """Return the checked scene of a dataset file."""
    scenes = project.datasets[wildcards.dataset].scenes
    if wildcards.scene not in scenes:
        stop(f"dataset {wildcards.dataset} has no scene {meant(wildcards.scene, scenes)}")
    return scenes[wildcards.scene]


def scene_settings(wildcards):
    """Return a scene of a dataset file."""
    name = f"scene-{wildcards.dataset}-{wildcards.scene}"
    return SettingsFile(name, scene_file(wildcards).model_dump(mode="json", exclude_none=True))


def generator_settings(generator):
    """Return the parameter function of the settings of a scene that is generated: a city, or a landscape."""
    return lambda wildcards: SettingsFile(
        f"{generator}-{wildcards.dataset}-{wildcards.scene}",
        getattr(scene_file(wildcards), generator).model_dump(mode="json"),
    )


def raw_folder(wildcards):
    """Return where the layers of a scene are delivered: data/raw/, or scratch/ for a scene that a rule makes."""
    file = scene_file(wildcards)
    for generator in ("city", "land"):
        if getattr(file, generator):
            return paths.GENERATED.format(generator=generator, **wildcards)
    return paths.RAW.format(**wildcards)


def raw_layers(wildcards):
    """Return the delivered files of a scene, or end with a line that says which is missing."""
    folder = raw_folder(wildcards)
    if folder != paths.RAW.format(**wildcards):
        return [folder]
    files = [f"{folder}/{layer.path}" for _, layer in scene_file(wildcards).layers.items()]
    if missing := [file for file in files if not Path(file).exists()]:
        stop(
            f"scene {wildcards.dataset}/{wildcards.scene}: missing {', '.join(missing)}; "
            f"put the delivered files into {folder}/ (links will do)"
        )
    return [part for file in files for part in all_parts(file)]


def all_parts(file):
    """Return a delivered file and all that is read with it, or end with a line that says why it cannot be read."""
    try:
        parts = [os.path.relpath(part) for part in parts_of(Path(file))]
    except DataError as error:
        stop(error)
    if braces := [part for part in parts if "{" in part or "}" in part]:
        stop(f"{braces[0]}: a file name with braces stands for many files here; rename it")
    return parts


def delivered_bytes(wildcards):
    """Return the sizes of delivered files: one replaced by a file of an older date would not count otherwise."""
    return [path.stat().st_size for path in map(Path, raw_layers(wildcards)) if path.is_file()]


def about(wildcards):
    """Return what a manifest says of its dataset."""
    return ABOUT[wildcards.dataset]


def grid(wildcards):
    """Return the target grid of the dataset."""
    return GRIDS[wildcards.dataset]


def region_file():
    """Return the file of the areas that divide the ground, if they do, or end with a line that says it is missing."""
    split = project.params.split
    if split.strategy != "regions":
        return []
    if not Path(split.regions.file).exists():
        stop(f"split.regions: the file {split.regions.file} does not exist; it holds the areas that divide the ground")
    return all_parts(split.regions.file)
