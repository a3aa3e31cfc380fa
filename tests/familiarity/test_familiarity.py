"""Scores of tiles: 1 for the edge of the process that was trained on, more for others; layers; the sealed file."""

import json
from pathlib import Path

import numpy as np
import pytest
from familiarity_cases import BANDS, described, familiarity, score, tile
from scipy.ndimage import gaussian_filter

from img2height.errors import DataError
from img2height.familiarity.familiarity import (
    BOUND,
    FAMILIARITY,
    Familiarity,
    familiarity_of,
    read_familiarity,
    write_familiarity,
)
from img2height.familiarity.fit import LEAST_TILES, fit_familiarity
from img2height.io.tables import write_sealed

OTHERS = range(1000, 1400)  # seeds of tiles that were in no fit


@pytest.fixture(scope="module")
def found() -> Familiarity:
    return familiarity()


def test_of_other_tiles_of_the_same_process_about_95_in_100_score_below_1(found: Familiarity) -> None:
    scores = np.array([score(found, described(tile(seed))) for seed in OTHERS])
    assert 0.9 <= (scores <= 1).mean() <= 0.99
    assert (scores > BOUND).mean() == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda image: 0.7 * image + 0.3 * 220,  # haze
        lambda image: image[::-1],  # blue, green, red
        lambda image: gaussian_filter(image, (0, 1, 1)),
        lambda image: 255 * (image / 255) ** 0.6,
        lambda image: np.repeat(image.mean(axis=0, keepdims=True), 3, axis=0),  # grey
        lambda image: np.zeros_like(image),
    ],
    ids=["haze", "swapped", "blurred", "gamma", "grey", "black"],
)
def test_changed_tiles_are_unlike(found: Familiarity, change) -> None:
    scores = [score(found, described(change(tile(seed).astype(np.float64)))) for seed in OTHERS[:50]]
    assert min(scores) > BOUND


def test_shares_name_what_is_changed(found: Familiarity) -> None:
    image = tile(1000).astype(np.float64)
    image[1] += np.random.default_rng(0).normal(size=image[1].shape) * 40
    layer, shares = found.shares(described(image))
    assert found.words(layer)[int(np.argmax(shares))] in ("texture of green in eo", "sharpness of green in eo")


def test_the_farthest_of_the_layers_counts_and_missing_ones_do_not() -> None:
    tiles = [{**described(tile(seed)), "sar": described(tile(seed + 500))["eo"]} for seed in range(120)]
    for each in tiles[::2]:
        each["sar"] = None  # an optional layer that some scenes lack
    found = fit_familiarity(tiles[:80], tiles[80:], {**BANDS, "sar": ["a", "b", "c"]}, "a" * 64, [], 32)
    assert [(each.layer, each.trained, each.validated) for each in found.layers] == [("eo", 80, 40), ("sar", 40, 20)]
    same, other = tile(1000), 255 - tile(1000)
    assert score(found, {"eo": described(same)["eo"], "sar": described(other)["eo"]}) > BOUND
    assert found.shares({"eo": described(same)["eo"], "sar": described(other)["eo"]})[0] == "sar"
    assert score(found, {"eo": described(same)["eo"], "sar": None}) == score(found, described(same)) < BOUND
    assert found.shares({"eo": None}) is None


def test_a_layer_of_few_tiles_is_left_out_and_nothing_is_scored() -> None:
    few = [described(tile(seed)) for seed in range(LEAST_TILES - 1)]
    found = fit_familiarity(few, few, BANDS, "a" * 64, [], 32)
    assert found.layers == [] and found.shares(few[0]) is None


def test_without_validation_tiles_the_training_tiles_are_the_edge() -> None:
    tiles = [described(tile(seed)) for seed in range(100)]
    found = fit_familiarity(tiles, [], BANDS, "a" * 64, [], 32)
    assert sum(score(found, each) <= 1 + 1e-6 for each in tiles) == 96  # the next above 95 % of them is the edge


def test_tiles_that_never_differ_are_familiar_to_themselves() -> None:
    same = [described(np.full((3, 8, 8), 9, np.uint8))] * 20
    found = fit_familiarity(same, same, BANDS, "a" * 64, [], 8)
    assert score(found, same[0]) == 0
    assert score(found, described(np.full((3, 8, 8), 200, np.uint8))) > BOUND


def test_the_file_is_read_back_and_one_of_another_model_is_refused(found: Familiarity, tmp_path: Path) -> None:
    assert familiarity_of(tmp_path, "a" * 64) is None
    write_familiarity(found, path := tmp_path / FAMILIARITY)
    again = familiarity_of(tmp_path, "a" * 64)
    assert again == found
    assert score(again, described(tile(7))) == score(found, described(tile(7)))
    with pytest.raises(DataError, match=r"familiarity\.json: is of weights with .* the model has bbb.*; make it again"):
        read_familiarity(path, "b" * 64)
    path.write_text(path.read_text().replace('"trained": 150', '"trained": 151'))
    with pytest.raises(DataError, match="was altered"):
        read_familiarity(path)


def test_a_file_of_another_version_is_refused(found: Familiarity, tmp_path: Path) -> None:
    write_sealed({"layers": json.loads(found.model_dump_json())["layers"]}, tmp_path / FAMILIARITY)
    with pytest.raises(DataError, match="written by another version"):
        read_familiarity(tmp_path / FAMILIARITY)
