"""Text for the methods section of a paper, generated from the settings of the run."""

from collections.abc import Iterable

from img2height.report.run import Run
from img2height.report.tables.scores import is_trivial
from img2height.settings.protocol import LEAKS, Buildings
from img2height.settings.recipe import Paper
from img2height.vocabulary.parts import PART_TITLES, SPLIT

DIVISIONS = {
    "vertical_stripes": "vertical stripes, each tested once",
    "horizontal_stripes": "horizontal stripes, each tested once",
    "blocks": "square blocks of {block_m:g} m, each tested once",
    "fraction": "contiguous parts along one axis",
    "regions": "named areas",
    "random": "cells of {block_m:g} m assigned at random",
}


def methods_text(run: Run, versions: dict[str, str]) -> list[str]:
    """Return paragraphs that describe the experiment, ready to paste.

    Args:
        run: the experiment.
        versions: of the package (img2height) and of its libraries.
    """
    return [_data(run), _training(run), _inference(run), _scores(run, versions)]


def _data(run: Run) -> str:
    titles = dict.fromkeys(f"{about.title} ({about.source})" for about in run.about.values())
    sizes = sorted({scene.grid.gsd_m for scene in run.scenes})
    size = f"{sizes[0]:.3g} m" if len(sizes) == 1 else f"{sizes[0]:.3g} to {sizes[-1]:.3g} m"
    here = " in this experiment" * bool(run.unrecorded)
    return (
        f"Data: {'; '.join(titles)}. The test area covers {run.test_area_km2:.3g} km² in "
        f"{_count(len(run.scenes), 'scene')} with pixels of {size}. No model was tested on its training "
        f"area{here}{_division(run)}{_initial_weights(run)}"
    )


def _division(run: Run) -> str:
    split, roles = run.params.split, [role for scenes in run.experiment.scenes.values() for role in scenes.values()]
    buffer = f"; a buffer of {run.buffer_m:g} m was cut from training and validation areas" * (run.buffer_m > 0)
    if SPLIT not in roles:
        parts = [f"{roles.count(role)} for {word}" for role, word in PART_TITLES.items()]
        return f": the split is by scene ({', '.join(parts)}){buffer}."
    way = DIVISIONS[split.strategy].format(block_m=split.block_m)
    warning = f" ({LEAKS}, so all scores are too optimistic)" if run.leaks else ""
    return f": the scenes were split into {way}{warning}, in {_count(len(run.folds), 'fold')}{buffer}."


def _initial_weights(run: Run) -> str:
    """Return a sentence on initial weights without a record of their training areas, if there are any."""
    if not run.unrecorded:
        return ""
    started = [f"{name} ({', '.join(weights)})" for name, weights in run.unrecorded.items()]
    return f" The training areas of these initial weights are not recorded: {_list(started)}."


def _training(run: Run) -> str:
    training = run.params.training
    side, seeds = run.params.tiling.tile_px, _count(len(run.experiment.seeds), "seed")
    names = [name for name, recipe in run.recipes.items() if not is_trivial(recipe)]
    baselines = [name for name in run.recipes if name not in names]
    cited = [f"{name} ({recipe.title}{_cite(recipe.paper)})" for name in names if (recipe := run.recipes[name])]
    started = [name for name in names if run.recipes[name].init_from]
    kept = [f"; {name} keeps the statistics of the model that it started from" for name in started]
    against = f" Untrained baselines: {_list(baselines)}." if baselines else ""
    return (
        f"Training: {_list(cited) or 'no method'}, each with its own loss, optimiser and augmentation, all with the "
        f"same budget: {training.samples:,} samples of {side} × {side} px per fold and seed ({seeds}), validated every "
        f"{training.validate_every:,} samples on at most {training.val_tiles} tiles, stopped after {training.patience} "
        "validations without improvement. The weights with the best validation score were kept. Inputs and heights "
        f"were normalised with statistics of the training area only{''.join(kept)}.{against}"
    )


def _split(buildings: Buildings) -> str:
    if buildings.split == "none":
        return "and "
    return f"touching buildings divided where their heights differ by {buildings.split_step_m:g} m or more, and "


def _inference(run: Run) -> str:
    inference, buildings = run.params.inference, run.params.buildings
    side = inference.window_px
    engine = "in float32" if inference.engine == "exact" else f"with the engine {inference.engine}"
    return (
        f"Inference: windows of {side} × {side} px with an overlap of {100 * inference.overlap:g} % were predicted "
        f"{engine} and blended with weights that sum to one; the model of each fold predicted the test "
        "area of that fold. Building masks are those of the method, or, if it has none, pixels at least "
        f"{buildings.min_height_m:g} m above ground that are not vegetation. Buildings below "
        f"{buildings.min_area_m2:g} m² were dropped, {_split(buildings)}outlines simplified and made regular with a "
        f"tolerance of {buildings.simplify_m:g} m."
    )


def _scores(run: Run, versions: dict[str, str]) -> str:
    metrics = run.params.metrics
    blocks = run.uncertainty.block_m
    size = f" of {blocks:g} m" if blocks else ""
    return (
        "Scores: errors are prediction minus reference in metres, pooled over all test pixels with a reference. "
        f"Ratio scores use pixels with a reference above {metrics.ratio_min_height_m:g} m; SSIM has a data range of "
        f"{metrics.ssim_range_m:g} m; a building counts as found from an IoU of {metrics.instance_iou:g} in a "
        f"one-to-one matching, and the boundary IoU compares bands of {metrics.boundary_m:g} m. Intervals "
        f"are 95 % intervals from a spatial block bootstrap with square blocks{size}, at least as large as the "
        "correlation length of the errors; each building belongs to the block of a point inside it. "
        "Methods were compared pairwise on the same blocks with two-sided tests and "
        "Holm's correction. "
        f"Computed with img2height {versions['img2height']}, PyTorch {versions['torch']} and NumPy {versions['numpy']}."
    )


def _cite(paper: Paper | None) -> str:
    return "" if paper is None else f"; {paper.title}, {paper.year}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _list(words: Iterable[str]) -> str:
    *most, last = list(words) or [""]
    return f"{', '.join(most)} and {last}" if most else last
