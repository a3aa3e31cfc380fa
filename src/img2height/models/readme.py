"""The model card in Markdown: what a person who receives a model folder needs to know."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from img2height.models.card import SealedCard, UsedAreas
from img2height.models.engines import MeasuredEngines
from img2height.models.sources import licences_of
from img2height.settings.dataset import About
from img2height.vocabulary.layers import INITIAL, INPUTS, VIEWS
from img2height.vocabulary.licences import restricted
from img2height.vocabulary.quantities import ABOVE_GROUND
from img2height.vocabulary.tiles import GSD_TOLERANCE

UNSTATED = "not recorded"


class Tested(NamedTuple):
    """A score in the test areas of an experiment, with its 95 % interval as text, empty if there is none."""

    name: str
    value: str
    interval: str


class TestScores(NamedTuple):
    """The scores of a method in the test areas of an experiment.

    Attributes:
        rows: the scores.
        scenes: in which the test areas lie.
        models: how many models, one of each fold, predicted the heights.
    """

    rows: Sequence[Tested]
    scenes: Sequence[str]
    models: int


def readme(
    card: SealedCard, sources: Mapping[str, About], scores: TestScores | None = None,
    engines: MeasuredEngines | None = None,
) -> str:  # fmt: skip
    """Return the model card as Markdown.

    Args:
        card: of the model.
        sources: origin of its data, see `read_sources`.
        scores: of its experiment; None leaves them out.
        engines: what was measured of them; None leaves them out.
    """
    recipe, paper = card.recipe, card.recipe.paper
    published = f" Published in [{paper.title}]({paper.url}), {paper.year}." if paper else ""
    parts = [
        f"# {card.method}\n\n{recipe.title}. A model of img2height.{published}",
        "## Inputs and output\n\n" + _table(("layer", "bands", "pixels", "normalised by"), _inputs(card)),
        f"Output: `{recipe.target}` {_output(card)}. Trained on pixels of {card.gsd_m:g} m, in tiles of "
        f"{card.tile_px or '?'} px. Pixels that are more than {GSD_TOLERANCE:.0%} larger or smaller are resampled.",
        f"## Trained on\n\n{_trained(card, sources)}",
        f"## Scores\n\n{_scores(card, scores)}",
        *([f"## Engines\n\n{_engines(engines)}"] if engines else []),
        f"## Limits\n\n{_limits(card)}",
        f"## Licences\n\n{_licences(licences_of(card, sources))}",
        f"## Use\n\n```\nimg2height verify .\nimg2height predict --model . {_options(card)} --out height.tif\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _inputs(card: SealedCard) -> list[list[str]]:
    mode = card.normalisation.image_mode
    optional = dict.fromkeys(card.recipe.optional, " (optional)")
    return [
        [f"`{layer}`{optional.get(layer, '')}", ", ".join(bands), card.dtypes.get(layer) or UNSTATED,
         f"{mode} of the training tiles" if layer in card.normalisation.image else "the mean of each window"]
        for layer, bands in card.inputs.items()
    ]  # fmt: skip


def _output(card: SealedCard) -> str:
    if card.normalisation.mode == "relative":
        return "as a share of the range in a window, without a unit"
    ground = (
        "above ground, at least 0" if card.recipe.target in ABOVE_GROUND else "in the vertical system of the training"
    )
    return f"in metres {ground}"


def _trained(card: SealedCard, sources: Mapping[str, About]) -> str:
    trained = card.trained_on
    if trained is None:
        return f"The training areas are {UNSTATED}."
    rows = [[_place(used), *_data(used, sources)] for used in (*trained.areas, *trained.before)]
    table = _table(("scene", "use", "data", "source", "licence"), rows) if rows else "No area of this project."
    started = [str(card.pretrained)] if card.pretrained else trained.unrecorded
    return table + "".join(f"\n\nIt started from {name}, whose training areas are {UNSTATED}." for name in started)


def _place(used: UsedAreas) -> str:
    return f"{used.dataset}/{used.scene}"


def _data(used: UsedAreas, sources: Mapping[str, About]) -> list[str]:
    use = " and ".join(name for name, area in (("training", used.train), ("validation", used.val)) if area)
    about = sources.get(used.dataset)
    return [use, *((about.title, about.source, about.licence) if about else [UNSTATED] * 3)]


def _scores(card: SealedCard, scores: TestScores | None) -> str:
    best = ", ".join(f"{name} {value:.4g}" for name, value in (card.best or {}).items() if name != "step")
    validated = f"Validation, which chose the weights: {best}." if best else "No validation score is recorded."
    if scores is None:
        return f"{validated} No test score was given to this card."
    seen = "which the training did not see"
    if scores.models > 1:
        seen = f"predicted by the models of all {scores.models} folds, each in areas that its own training did not see"
    table = _table(("score", "value", "95 % interval"), scores.rows)
    return f"In test areas of {', '.join(scores.scenes)}, {seen}:\n\n{table}\n\n{validated}"


def _engines(measured: MeasuredEngines) -> str:
    rows = [
        [f"`{name}`", f"{found.rmse.value:+.2%} ({found.rmse.low:+.2%} to {found.rmse.high:+.2%})",
         f"{found.mae.value:+.2%}", f"{found.mean_m:.3f}", f"{found.most_m:.2f}", found.verdict]
        for name, found in measured.engines.items()
    ]  # fmt: skip
    columns = ("engine", "RMSE (95 % interval)", "MAE", "mean change, m", "99.9 percentile, m", "verdict")
    return (
        f"Against exact heights (RMSE {measured.rmse_m:.3g} m, MAE {measured.mae_m:.3g} m) on {measured.windows} "
        f"validation windows:\n\n{_table(columns, rows)}\n\n`--engine auto` takes the fastest that is admitted."
    )


def _limits(card: SealedCard) -> str:
    norm, limits = (
        card.normalisation,
        ["Scores hold for places, sensors and seasons like those above only."],
    )
    if norm.mode in ("minmax", "tanh"):
        low_m = norm.offset_m - (norm.scale_m if norm.mode == "tanh" else 0)
        heights = f"{low_m:.3g} and {norm.offset_m + norm.scale_m:.3g} m"
        limits.append(f"Nearly all training heights were between {heights}; higher ones come out too low.")
    if not {INITIAL, VIEWS} & set(card.recipe.required):
        limits.append("One view does not determine absolute height: what casts no visible shadow may come out too low.")
    return "\n".join(f"- {limit}" for limit in limits)


def _licences(licences: Mapping[str, str | None]) -> str:
    rows = [[name, text or UNSTATED] for name, text in licences.items()]
    table = _table(("made from", "licence"), rows) if rows else f"What it was made from is {UNSTATED}."
    if forbidden := restricted(dict(licences)):
        names = ", ".join(forbidden)
        return f"{table}\n\n**Not for commercial use**: the licence of {names} does not allow it."
    return f"{table}\n\nWho passes the model on chooses its licence within these."


def _options(card: SealedCard) -> str:
    files = [[INPUTS[layer].option, f"{layer}.tif"] for layer in card.inputs if layer != VIEWS]
    files += [[INPUTS[VIEWS].option, f"view_{n}.tif"] for n, _ in enumerate(card.inputs.get(VIEWS, []), 1)]
    return " ".join(word for file in files for word in file)
