"""Functions that return the inputs, parameters and resources of rules.

Needs: the constants of common.smk. Makes: functions; no rules.
"""

import code_record
from code_cache import cached_digest
from gpus import has_gpu
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
    """Return the file of a pattern in which the experiment is the only wildcard: targets must not have any."""
    return pattern.format(experiment=EXPERIMENT)


def scaled(amount):
    """Return the resource function that requests an amount, and as much again with each further attempt."""
    return lambda wildcards, attempt: amount * attempt


def gpus(wildcards):
    """Return the number of GPUs that a job requests: one, or none on a machine without a GPU, where jobs share the cores."""
    on_this_machine = workflow.local_exec and not workflow.remote_exec
    return 0 if on_this_machine and not has_gpu() else 1


def in_order(wildcards):
    """Return the priority of a training, above 0 and at most 1: in the order of the methods in the experiment file."""
    return 1 - METHODS.index(wildcards.method) / len(METHODS)


def manifest(wildcards):
    """Return the manifest of the scene of a job, whose dataset is not in the path of a result."""
    if wildcards.scene not in DATASET_OF:
        stop(f"experiment {EXPERIMENT} has no scene {meant(wildcards.scene, DATASET_OF)}")
    return manifest_of(wildcards.scene)


def manifest_of(scene):
    """Return the manifest of a scene of the experiment."""
    return paths.SCENE.format(dataset=DATASET_OF[scene], scene=scene)


def test_pairs(views, scene):
    """Return by pair number the views that are used together in a test scene; empty without views."""
    file = project.datasets[DATASET_OF[scene]].scenes[scene]
    return used_pairs(file.pairs, "test", views, len(file.layers.views)) if views else {}


def pairs(method, scene):
    """Return the pairs of a test scene from each of which a method predicts heights; empty for most methods."""
    return test_pairs(project.recipes[method].merged_views, scene)


def views_of_pair(wildcards):
    """Return the flag of `predict` that names the views of a pair; those of the first if views are optional."""
    number = wildcards.get("height", "height").removeprefix("height_pair")
    if number != "height":
        return ["--views", *pairs(wildcards.method, wildcards.scene)[int(number)]]
    views = project.recipes[wildcards.method].inputs.get("views", [])
    return ["--views", *first] if (first := next(iter(test_pairs(views, wildcards.scene).values()), None)) else []


def probability(wildcards):
    """Return the building probability of a scene if the method predicts footprints."""
    predicted = wildcards.method in FOOTPRINT_METHODS
    return [f"{paths.RESULT}/probability.tif".format(**wildcards)] if predicted else []


def pair_heights(wildcards):
    """Return the heights from each pair of a method in all test scenes; empty for methods that do not use pairs."""
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


def calibrated_folds(flag):
    """Return the parameter function of the folds with the calibrations of their models, one flag for each."""
    return lambda wildcards, input: flags(flag, zip(FOLDS, input.calibrations))


def scored_folds(wildcards, input):
    """Return the flags of the folds whose test area is scored: number, card of the model, and what it has seen."""
    return flags("--fold", zip(FOLDS, input.cards, input.seen))


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
    """Return the flags of what was scored: scores, tiles, buildings and intervals of each method and seed."""
    return flags("--scored", zip(input.scores, input.tiles, input.buildings, input.bounded))


def described_models(wildcards, input, output):
    """Return the flags of the models whose data are described: card, and the file to write."""
    return flags("--model", zip(input.cards, output.sources))


def sources_of_starts(wildcards):
    """Return what is recorded about the data of the models that other experiments made, from which trainings start."""
    starts = [recipe.init_from for recipe in project.recipes.values() if recipe.init_from]
    files = [f"{folder}/sources.json" for folder in starts if not is_made_here(folder)]
    return [file for file in files if Path(file).exists()]


CODE = {}  # by digest: the script and the modules that it covers


def code_of(script, *modules):
    """Return the digest of a script and its code; a job with it as a parameter runs again when they change."""
    roots = (f"scripts/{script}.py", *modules)
    digest = cached_digest(*roots)
    CODE[digest] = roots
    return digest


def code_of_generator(wildcards):
    """Return `code_of` for the script that generates the layers of a scene; empty if they are delivered.

    It is a parameter of the job that reads them, because Snakemake 9 records the parameters of a failed job as if it had
    succeeded: files made from its removed output would count as up to date in the next run.
    """
    file = scene_file(wildcards)
    made_by = [generator for generator in ("city", "land") if getattr(file, generator)]
    return "".join(code_of(f"make_{generator}") for generator in made_by)


def code_of_method(script):
    """Return a parameter function: `code_of` for a script that loads the network of the method by name."""
    return lambda wildcards: code_of(script, network_modules()[project.recipes[wildcards.method].network])


def record_code():
    """Record what the code digests cover, including those of jobs that are planned later."""
    for network in {recipe.network for recipe in project.recipes.values()}:
        for script in ("train", "calibrate_intervals", "predict"):
            code_of(script, network_modules()[network])
    for digest, roots in CODE.items():
        code_record.record(digest, roots)


def starting_model(wildcards):
    """Return the files that a training starts from, if any: a model folder, and the weights of an encoder."""
    recipe = project.recipes[wildcards.method]
    folder, weights = recipe.init_from, recipe.options.get("weights", "none")
    files = [f"{folder}/model.safetensors", f"{folder}/card.json"] if folder else []
    if folder and is_made_here(folder):
        require_own_fold(wildcards.method, folder)
    elif missing := [file for file in files if not Path(file).exists()]:
        stop(f"method {wildcards.method} starts from a model that does not exist: {', '.join(missing)}; train it first")
    files += [] if weights in ("none", "imagenet") else [weights]
    for file in files:
        require_tracked(wildcards.method, file)
    return files


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


def require_tracked(method, file):
    """End with one line if DVC runs this stage and would not see a change of a file that a training starts from."""
    place, name = (*Path(file).parts, "")[:2]
    tracked = place == "models" and Path(paths.START.format(experiment=EXPERIMENT, start=name)).exists()
    if "DVC_STAGE" in os.environ and not (tracked or is_made_here(file) or (place, name) == ("data", "raw")):
        stop(
            f"method {method} starts from {file}, which DVC does not track: name its experiment in `foreach` of the stage "
            "`starts` of dvc.yaml, or put the model into data/raw (img2height export, dvc add)"
        )


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
