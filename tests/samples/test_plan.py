"""The sample table: order, determinism, and that no sample leaves the training ground."""

import geopandas
import pandas
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from img2height.errors import TrainingError
from img2height.samples.plan import plan_samples

AREAS = geopandas.GeoDataFrame(
    {"dataset": ["d", "d"], "scene": ["a", "b"]}, geometry=[shapely.box(0, 0, 100, 64), shapely.box(32, 0, 96, 96)]
)
TILES = pandas.DataFrame(
    [("d", "a", 0, 0, 32), ("d", "a", 64, 32, 32), ("d", "b", 32, 0, 32), ("d", "b", 64, 64, 32)],
    columns=["dataset", "scene", "col_off", "row_off", "size_px"],
)
ALL = {"samples": 50, "dihedral": True, "jitter": True}


def test_the_same_seed_gives_the_same_table_and_another_seed_another() -> None:
    assert plan_samples(TILES, AREAS, seed=5, **ALL).equals(plan_samples(TILES, AREAS, seed=5, **ALL))
    assert not plan_samples(TILES, AREAS, seed=5, **ALL).equals(plan_samples(TILES, AREAS, seed=6, **ALL))


@given(seed=st.integers(0, 1000), samples=st.integers(1, 60))
def test_every_sample_lies_in_the_training_area(seed: int, samples: int) -> None:
    plan = plan_samples(TILES, AREAS, seed=seed, samples=samples, dihedral=True, jitter=True)
    areas = dict(zip(AREAS["scene"], AREAS.geometry, strict=True))
    for row in plan.itertuples():
        assert areas[row.scene].covers(
            shapely.box(row.col_off, row.row_off, row.col_off + row.size_px, row.row_off + row.size_px)
        )
    assert list(plan["n"]) == list(range(samples))
    assert plan["transform"].between(0, 7).all()


def test_each_pass_sees_every_tile_once() -> None:
    plan = plan_samples(TILES, AREAS, seed=0, samples=8, dihedral=False, jitter=False)
    seen = plan.groupby(["scene", "col_off"]).size()
    assert (seen == 2).all()
    assert (plan["transform"] == 0).all()


def test_jitter_moves_samples_off_the_index() -> None:
    plan = plan_samples(TILES, AREAS, seed=0, samples=200, dihedral=False, jitter=True)
    assert plan[["col_off", "row_off"]].drop_duplicates().shape[0] > 20


def test_no_training_tile_is_a_clear_error() -> None:
    with pytest.raises(TrainingError, match="no training tile"):
        plan_samples(TILES.head(0), AREAS, seed=0, **ALL)
