"""The sample table: order, determinism, and that no sample leaves the training area."""

import geopandas
import pandas
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from img2height.errors import TrainingError
from img2height.samples.missing import LeftOut
from img2height.samples.plan import plan_samples
from img2height.settings.recipe import Augmentation, Sampling

AREAS = geopandas.GeoDataFrame(
    {"dataset": ["d", "d"], "scene": ["a", "b"]}, geometry=[shapely.box(0, 0, 100, 64), shapely.box(32, 0, 96, 96)]
)
TILES = pandas.DataFrame(
    [("d", "a", 0, 0, 32), ("d", "a", 64, 32, 32), ("d", "b", 32, 0, 32), ("d", "b", 64, 64, 32)],
    columns=["dataset", "scene", "col_off", "row_off", "size_px"],
)
PLAIN = {"symmetries": [0], "augmentation": Augmentation(), "sampling": Sampling()}
ALL = {**PLAIN, "samples": 50, "symmetries": range(8), "augmentation": Augmentation(jitter=True)}


def test_the_same_seed_gives_the_same_table_and_another_seed_another() -> None:
    assert plan_samples(TILES, AREAS, seed=5, **ALL).equals(plan_samples(TILES, AREAS, seed=5, **ALL))
    assert not plan_samples(TILES, AREAS, seed=5, **ALL).equals(plan_samples(TILES, AREAS, seed=6, **ALL))


@given(seed=st.integers(0, 1000), samples=st.integers(1, 60))
def test_every_sample_lies_in_the_training_area(seed: int, samples: int) -> None:
    plan = plan_samples(TILES, AREAS, seed=seed, **{**ALL, "samples": samples})
    areas = dict(zip(AREAS["scene"], AREAS.geometry, strict=True))
    for row in plan.itertuples():
        assert areas[row.scene].covers(
            shapely.box(row.col_off, row.row_off, row.col_off + row.size_px, row.row_off + row.size_px)
        )
    assert list(plan["n"]) == list(range(samples))
    assert plan["transform"].between(0, 7).all()


def test_each_pass_sees_every_tile_once() -> None:
    plan = plan_samples(TILES, AREAS, seed=0, samples=8, **PLAIN)
    seen = plan.groupby(["scene", "col_off"]).size()
    assert (seen == 2).all()
    assert (plan["transform"] == 0).all()


def test_jitter_moves_samples_off_the_index() -> None:
    plan = plan_samples(TILES, AREAS, seed=0, samples=200, **{**PLAIN, "augmentation": Augmentation(jitter=True)})
    assert plan[["col_off", "row_off"]].drop_duplicates().shape[0] > 20


def test_no_training_tile_is_a_clear_error() -> None:
    with pytest.raises(TrainingError, match="no training tile"):
        plan_samples(TILES.head(0), AREAS, seed=0, **ALL)


def test_positions_are_drawn_once_without_replacement_anywhere_in_the_area() -> None:
    sampling = Sampling(positions=500)
    plan = plan_samples(TILES, AREAS, seed=0, samples=1500, **{**PLAIN, "sampling": sampling})
    places = plan[["scene", "col_off", "row_off"]]
    assert (places.value_counts() == 3).all()
    assert len(places.drop_duplicates()) == 500
    areas = dict(zip(AREAS["scene"], AREAS.geometry, strict=True))
    assert all(
        areas[r.scene].covers(shapely.box(r.col_off, r.row_off, r.col_off + 32, r.row_off + 32))
        for r in plan.itertuples()
    )
    # Each corner is as likely as any other: scene a has 69 x 33 of them, b 33 x 65.
    assert (places["scene"] == "a").mean() == pytest.approx(69 * 33 / (69 * 33 + 33 * 65), abs=0.07)


def test_all_positions_of_an_area_can_be_drawn_and_no_more() -> None:
    everything = Sampling(positions=69 * 33 + 33 * 65)
    plan = plan_samples(TILES, AREAS, seed=0, samples=everything.positions, **{**PLAIN, "sampling": everything})
    assert not plan[["scene", "col_off", "row_off"]].duplicated().any()
    with pytest.raises(TrainingError, match=f"has only {everything.positions} positions"):
        plan_samples(TILES, AREAS, seed=0, samples=1, **{**PLAIN, "sampling": Sampling(positions=9999)})


PAIRS = pandas.DataFrame(
    [("d", "a", 1, 1, 2), ("d", "a", 2, 3, 1), ("d", "b", 1, 4, 2)],
    columns=["dataset", "scene", "pair", "first", "second"],
)


def test_every_position_is_used_with_every_pair_or_with_one() -> None:
    plan = plan_samples(TILES, AREAS, seed=0, samples=6, pairs=PAIRS, **PLAIN)
    assert sorted(plan.groupby("scene").size()) == [2, 4]
    assert not plan[["scene", "col_off", "first", "second"]].duplicated().any()
    one = plan_samples(TILES, AREAS, seed=0, samples=40, pairs=PAIRS, **{**PLAIN, "sampling": Sampling(pairs="one")})
    assert (one.groupby(["scene", "col_off"])["first"].nunique() == 1).all()
    assert (one.groupby(["scene", "col_off"]).size() == 10).all()


def test_views_are_permuted_in_half_of_the_samples_and_stay_a_pair() -> None:
    permuted = {**PLAIN, "augmentation": Augmentation(permute_views=True)}
    plan = plan_samples(TILES, AREAS, seed=0, samples=600, pairs=PAIRS, **permuted)
    seen = {(r.scene, r.first, r.second) for r in plan.itertuples()}
    assert seen == {("a", 1, 2), ("a", 2, 1), ("a", 3, 1), ("a", 1, 3), ("b", 4, 2), ("b", 2, 4)}
    assert (plan["first"] < plan["second"]).mean() == pytest.approx(0.5, abs=0.06)


def test_an_offline_plan_shows_the_same_augmented_copies_in_every_pass() -> None:
    offline = {**ALL, "samples": 30, "sampling": Sampling(offline=10)}
    plan = plan_samples(TILES, AREAS, seed=0, **offline)
    seen = plan.drop(columns="n")
    assert (seen.value_counts() == 3).all()
    assert len(seen.drop_duplicates()) == 10
    assert list(plan["n"]) == list(range(30))


def test_colours_change_in_the_requested_share() -> None:
    coloured = {**PLAIN, "augmentation": Augmentation(channel_swap=0.5, grayscale=0.25)}
    plan = plan_samples(TILES, AREAS, seed=0, samples=4000, **coloured)
    assert (plan["channels"] != 0).mean() == pytest.approx(0.5 * 5 / 6, abs=0.03)
    assert plan["gray"].mean() == pytest.approx(0.25, abs=0.03)


def test_every_number_of_optional_inputs_is_equally_likely_and_one_is_kept() -> None:
    layers = {("d", "a"): ["eo", "sar", "views"], ("d", "b"): ["sar"]}
    plan = plan_samples(TILES, AREAS, seed=0, **{**PLAIN, "samples": 6000, "left_out": LeftOut(layers, least=1)})
    kept = 3 - plan.loc[plan["scene"] == "a", "without"].str.split().str.len()
    assert kept.value_counts(normalize=True).to_dict() == pytest.approx({1: 1 / 3, 2: 1 / 3, 3: 1 / 3}, abs=0.03)
    alone = plan.loc[plan["scene"] == "a", "without"].value_counts(normalize=True)[["sar views", "eo views", "eo sar"]]
    assert alone.to_list() == pytest.approx([1 / 9] * 3, abs=0.02)
    assert set(plan.loc[plan["scene"] == "b", "without"]) == {""}
    assert plan.equals(
        plan_samples(TILES, AREAS, seed=0, **{**PLAIN, "samples": 6000, "left_out": LeftOut(layers, least=1)})
    )


def test_all_optional_inputs_may_be_left_out_beside_required_ones() -> None:
    layers = {("d", name): ["eo"] for name in "ab"}
    plan = plan_samples(TILES, AREAS, seed=0, **{**PLAIN, "samples": 400, "left_out": LeftOut(layers, least=0)})
    assert plan["without"].value_counts(normalize=True).to_dict() == pytest.approx({"": 0.5, "eo": 0.5}, abs=0.07)
