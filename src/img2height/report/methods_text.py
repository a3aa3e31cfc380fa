"""The methods section of a paper, written from what was run; nothing in it is typed by hand."""

from collections.abc import Iterable

from img2height.report.run import Run
from img2height.report.tables.scores import is_trivial
from img2height.settings.protocol import LEAKS
from img2height.vocabulary.parts import PART_TITLES, SPLIT

DIVISIONS = {
    "vertical_stripes": "vertical stripes, each of them tested once",
    "horizontal_stripes": "horizontal stripes, each of them tested once",
    "blocks": "square blocks of {block_m:g} m, each of them tested once",
    "fraction": "stretches along one axis",
    "regions": "named areas",
    "random": "cells of {block_m:g} m dealt out at random",
}


def methods_text(run: Run, versions: dict[str, str]) -> list[str]:
    """Return paragraphs that say how the experiment was done, ready to paste.

    Args:
        run: what was run.
        versions: of the package (img2height) and of its libraries.
    """
    return [_data(run), _training(run), _inference(run), _scores(run, versions)]


def _data(run: Run) -> str:
    titles = dict.fromkeys(f"{scene.about['title']} ({scene.about['source']})" for scene in run.sources)
    sizes = sorted({scene.grid.gsd_m for scene in run.scenes})
    size = f"{sizes[0]:.3g} m" if len(sizes) == 1 else f"{sizes[0]:.3g} to {sizes[-1]:.3g} m"
    return (
        f"Data: {'; '.join(titles)}. {run.ground_km2:.3g} km² of {_count(len(run.scenes), 'scene')} with pixels of "
        f"{size} were tested, and nothing that was tested was trained on{_division(run)}"
    )


def _division(run: Run) -> str:
    split, roles = run.params.split, [role for scenes in run.experiment.scenes.values() for role in scenes.values()]
    buffer = f"; {run.buffer_m:g} m around other parts were cut from training and validation" * (run.buffer_m > 0)
    if SPLIT not in roles:
        parts = [f"{roles.count(role)} for {word}" for role, word in PART_TITLES.items()]
        return f": whole scenes were kept apart ({', '.join(parts)}){buffer}."
    way = DIVISIONS[split.strategy].format(block_m=split.block_m)
    warning = f" ({LEAKS}, so all scores are too good)" if run.leaks else ""
    return f": the ground was divided into {way}{warning}, in {_count(len(run.folds), 'fold')}{buffer}."


def _training(run: Run) -> str:
    training = run.params.training
    side, seeds = run.params.tiling.tile_px, _count(len(run.experiment.seeds), "seed")
    names = [name for name, recipe in run.recipes.items() if not is_trivial(recipe)]
    baselines = [name for name in run.recipes if name not in names]
    cited = [f"{name} ({recipe.title}{_cite(recipe.paper)})" for name in names if (recipe := run.recipes[name])]
    against = f" They are compared with {_list(baselines)}, which learn nothing." if baselines else ""
    return (
        f"Training: {_list(cited) or 'no method'}, each with its own loss, optimiser and augmentation, all with one "
        f"budget: {training.samples:,} samples of {side} × {side} px for each fold and seed ({seeds}), validated every "
        f"{training.validate_every:,} samples on at most {training.val_tiles} tiles, ended after {training.patience} "
        "validations without improvement. The weights with the best validation score were kept. Inputs and heights "
        f"were normalised with statistics of the training ground alone.{against}"
    )


def _inference(run: Run) -> str:
    inference, buildings = run.params.inference, run.params.buildings
    side = inference.window_px
    return (
        f"Inference: windows of {side} × {side} px that share {100 * inference.overlap:g} % of their side with the "
        f"next one were predicted in {inference.precision} and blended with weights that sum to one; each fold "
        "predicts its own test ground. "
        "Buildings are what a method says are footprints, else what stands at least "
        f"{buildings.min_height_m:g} m above ground and is not green; those below "
        f"{buildings.min_area_m2:g} m² were dropped and outlines simplified by "
        f"{buildings.simplify_m:g} m."
    )


def _scores(run: Run, versions: dict[str, str]) -> str:
    metrics = run.params.metrics
    blocks = run.uncertainty.block_m
    size = f" of {blocks:g} m" if blocks else ""
    return (
        "Scores: errors are prediction minus reference in metres, pooled over all test pixels with a known reference. "
        f"Ratio scores take pixels with a reference above {metrics.ratio_min_height_m:g} m; SSIM has a data range of "
        f"{metrics.ssim_range_m:g} m; a building counts as found from an IoU of {metrics.instance_iou:g}. Intervals "
        f"are 95 % spatial block bootstrap intervals with square blocks{size}, no smaller than the correlation length "
        "of the errors. Methods were compared pairwise on the same blocks, two-sided, with Holm's correction. "
        f"Computed with img2height {versions['img2height']}, PyTorch {versions['torch']} and NumPy {versions['numpy']}."
    )


def _cite(paper: object) -> str:
    return "" if paper is None else f"; {paper.title}, {paper.year}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _list(words: Iterable[str]) -> str:
    *most, last = list(words) or [""]
    return f"{', '.join(most)} and {last}" if most else last
