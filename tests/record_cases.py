"""Records of scores for tests; a test gives only the values that it is about."""

import re
from typing import Any

from img2height.comparison.collect import by_method
from img2height.comparison.record import ExperimentScores, Protocol
from img2height.scoring.record import Correlation, MethodScores

PROTOCOL = Protocol(split="vertical_stripes", leaks=False, ratio_min_height_m=1.0, tile_px=256, block_m=128.0)


def method_scores(method: str, seed: int = 0, quantity: str = "ndsm", length_m: float | None = 20.0, **parts: Any):
    """Return the scores of a method; scores that are not given are missing."""
    given = {"scenes": ["demo/town"], "strata": {}, "footprint": {}, "instances": {}, "per_image": {}, "paper": {}}
    correlation = Correlation(length_m=length_m, scenes={})
    return MethodScores(method=method, seed=seed, quantity=quantity, correlation=correlation, **given | parts)


def experiment_scores(*scores: MethodScores, **protocol: Any) -> ExperimentScores:
    """Return the scores of several methods and seeds."""
    return ExperimentScores(methods=by_method(scores), protocol=PROTOCOL.model_copy(update=protocol))


def numbers_in(text: str) -> list[float]:
    """Return the numbers of a text in order, without those in names, so that a test does not depend on the words."""
    return [float(number.replace("−", "-")) for number in re.findall(r"(?<![\w.])[−+-]?\d+(?:\.\d+)?", text)]
