"""Writes a model folder with all that another person needs to use it."""

import shutil
from pathlib import Path

from img2height.comparison.record import Interval, read_metrics, read_rows
from img2height.conformal.calibration import CALIBRATION
from img2height.errors import ModelError
from img2height.familiarity.familiarity import FAMILIARITY
from img2height.inference.tags import MODEL_TAG
from img2height.io.atomic import atomic_folder
from img2height.io.rasters import open_raster
from img2height.io.tables import write_json
from img2height.models.card import CARD, SealedCard
from img2height.models.engines import ENGINES, INT8, read_engines
from img2height.models.folder import WEIGHTS, LoadedModel
from img2height.models.readme import Tested, TestScores, readme
from img2height.models.sources import SOURCES
from img2height.models.stac import stac_item
from img2height.view.results import HEIGHTS
from img2height.vocabulary.scores import SCORES

SCORE = {score.name: score for score in reversed(SCORES)}  # of names for several kinds, that of heights
README, ITEM = "README.md", "item.json"


def write_folder(model: LoadedModel, source: Path, out: Path, results: Path | None = None) -> None:
    """Write weights, card, what was measured, sources, the card in Markdown, and a STAC item into a new folder.

    Args:
        model: of the source.
        source: its model folder.
        out: the folder.
        results: of the experiment that scored the model; None leaves the scores out.

    Raises:
        ModelError: the folder exists, or the results are not of this model.
        DataError: the results are incomplete.
    """
    if out.exists():
        raise ModelError(f"{out}: exists already; choose another name, so that nothing is replaced")
    scores = _scores(model.card, results) if results else None
    engines = read_engines(source, model.card.weights_sha256)
    with atomic_folder(out) as making:
        more = [name for name in (CALIBRATION, FAMILIARITY, ENGINES, INT8, SOURCES) if (source / name).is_file()]
        for name in (WEIGHTS, CARD, *more):
            shutil.copyfile(source / name, making / name)
        write_json(stac_item(model.card), making / ITEM)
        (making / README).write_text(readme(model.card, model.sources, scores, engines), encoding="utf-8")


def _scores(card: SealedCard, results: Path) -> TestScores:
    """Return the scores of the method in the test areas of an experiment, and what they are of."""
    return TestScores(_tested(card, results), _scenes(card, results), _scored_models(card, results))


def _tested(card: SealedCard, results: Path) -> list[Tested]:
    """Return the scores of a method over all pixels with their intervals."""
    rows = read_rows(Interval, results / "tables" / "intervals.csv")
    mine = [row for row in rows if (row.method, row.seed) == (card.method, card.seed)]
    if not mine:
        raise ModelError(
            f"{results}: has no scores of {card.method} with seed {card.seed}; give those of its experiment"
        )
    return [_row(row) for row in mine if row.score in SCORE]


def _scored_models(card: SealedCard, results: Path) -> int:
    """Return how many models, one of each fold, made the heights that were scored; this one has to be among them."""
    models: set[str] = set()
    for path in (results / card.method / "oof" / f"seed{card.seed}").glob(f"*/{HEIGHTS}"):
        with open_raster(path) as raster:
            models.update(raster.tags().get(MODEL_TAG, "").split(", "))
    if card.weights_sha256 not in models:
        raise ModelError(
            f"{results}: its heights of {card.method} with seed {card.seed} were made by other models than this one, "
            f"of weights {card.weights_sha256[:12]}; give the results of its experiment, or run that again"
        )
    return len(models)


def _row(row: Interval) -> Tested:
    score = SCORE[row.score]
    title = f"{score.title}, {score.unit}" if score.unit else score.title
    interval = f"{row.low:.4g} to {row.high:.4g}" if row.estimated else ""
    return Tested(f"{title} ({row.stratum})", f"{row.value:.4g}", interval)


def _scenes(card: SealedCard, results: Path) -> list[str]:
    seeds = read_metrics(results / "metrics.json").methods[card.method]
    return sorted(seeds[card.seed or 0].scenes)
