import re
from itertools import combinations

import numpy as np
import pytest
import shapely
from grid_cases import bare_scene, indexed, regular_tiles, split
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from img2height.errors import FoldError
from img2height.tiles.areas import area_of, covered
from img2height.tiles.folds import IndexedScene, split_folds
from img2height.tiles.layout import divide
from img2height.vocabulary.parts import PARTS


def folds_of(scenes, roles, how, *, size=16, stride=8, folds=None):
    numbers = range(how.count if "split" in roles else 1) if folds is None else folds
    return split_folds(indexed(scenes, roles, size, stride), how, tile_px=size, folds=list(numbers))


def test_stripes_are_as_equal_as_whole_pixels_allow():
    how = split(n_folds=3)
    made = [divide(bare_scene(100, 50).grid, how, fold)["test"].bounds for fold in range(3)]
    assert made == [(0, 0, 33, 50), (33, 0, 67, 50), (67, 0, 100, 50)]
    assert divide(bare_scene(100, 50).grid, how, 2)["val"].bounds == (0, 0, 33, 50)
    rows = split("horizontal_stripes", n_folds=5)
    assert divide(bare_scene(100, 50).grid, rows, 1)["test"].bounds == (0, 10, 100, 20)


@given(
    width=st.integers(20, 300), height=st.integers(20, 300), gsd=st.sampled_from([0.3, 0.7, 1.0, 2.5]),
    block_m=st.floats(2, 60), strategy=st.sampled_from(["blocks", "vertical_stripes", "horizontal_stripes"]),
)  # fmt: skip
@settings(max_examples=60)
def test_the_parts_divide_the_scene_exactly(width, height, gsd, block_m, strategy):
    assume(width * height < 5000 * (block_m / gsd) ** 2)  # more blocks take long and show nothing else
    scene = bare_scene(width, height, gsd=gsd)
    try:
        parts = list(divide(scene.grid, split(strategy, block_m=block_m), 0).values())
    except FoldError:
        assume(False)
    assert sum(area.area for area in parts) == width * height
    assert shapely.union_all(parts).equals(shapely.box(0, 0, width, height))


def test_fractions_follow_the_axis():
    made = divide(bare_scene(100, 50).grid, split("fraction"), 0)
    assert [made[part].bounds for part in PARTS] == [(0, 0, 60, 50), (60, 0, 70, 50), (70, 0, 100, 50)]
    made = divide(bare_scene(100, 50).grid, split("fraction", axis="row"), 0)
    assert made["test"].bounds == (0, 35, 100, 50)


def test_fractions_that_overlap_are_refused():
    parts = {"train": [[0, 0.5]], "val": [[0.4, 0.6]], "test": [[0.6, 1]]}
    with pytest.raises(FoldError, match="overlap"):
        divide(bare_scene(100, 50).grid, split("fraction", parts=parts), 0)


def test_buffers_are_cut_from_training_and_validation_never_from_test():
    scene = bare_scene(300, 40)
    areas = folds_of([scene], ["split"], split(n_folds=5, buffer_m=10), folds=[1]).areas
    found = {part: area_of(areas, part, "d", "s") for part in PARTS}
    assert found["test"].bounds == (60, 0, 120, 40)
    assert found["val"].bounds == (130, 0, 180, 40)
    assert [piece.bounds for piece in shapely.get_parts(found["train"])] == [(0, 0, 50, 40), (190, 0, 300, 40)]


def test_a_buffer_of_fractional_pixels_is_rounded_up():
    areas = folds_of([bare_scene(300, 40, gsd=0.6)], ["split"], split(n_folds=5, buffer_m=1), folds=[0]).areas
    assert area_of(areas, "val", "d", "s").bounds[0] == 60 + 2


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(["vertical_stripes", "horizontal_stripes", "blocks", "fraction"]),
    st.integers(90, 260), st.integers(90, 260), st.integers(3, 6), st.floats(0, 12), st.sampled_from([0.5, 0.6, 1.0]),
    st.floats(20, 60),
)  # fmt: skip
def test_no_division_leaks(strategy, width, height, n_folds, buffer_m, gsd, block_m):
    scene = bare_scene(width, height, gsd=gsd)
    try:
        made = folds_of([scene], ["split"], split(strategy, n_folds=n_folds, buffer_m=buffer_m, block_m=block_m))
    except FoldError:
        assume(False)
    for fold, areas in made.areas.groupby("fold"):
        found = {part: area_of(areas, part, "d", "s") for part in PARTS}
        for a, b in combinations(PARTS, 2):
            assert found[a].intersection(found[b]).area == 0
            assert found[a].distance(found[b]) * gsd >= buffer_m - 1e-9
        for part in PARTS:
            rows = made.tiles[(made.tiles["fold"] == fold) & (made.tiles["part"] == part)]
            assert len(rows) > 0
            assert covered(found[part], rows).all()
            assert (shapely.get_coordinates(found[part]) % 1 == 0).all()
    tests = [area_of(made.areas, "test", "d", "s", fold) for fold in made.areas["fold"].unique()]
    assert sum(area.area for area in tests) == shapely.union_all(tests).area
    if strategy != "fraction":
        assert shapely.union_all(tests).area == width * height  # every pixel is tested once


@settings(deadline=None, max_examples=40)
@given(st.integers(3, 8), st.integers(2, 12), st.integers(2, 12))
def test_blocks_are_distributed_evenly_and_neighbours_differ(n_folds, cols, rows):
    assume(cols * rows >= n_folds)
    scene = bare_scene(10 * cols, 10 * rows)
    counts = []
    for fold in range(n_folds):
        cells = divide(scene.grid, split("blocks", n_folds=n_folds, block_m=10), fold)["test"]
        counts.append(cells.area / 100)
        sides = [piece.area for piece in shapely.get_parts(cells)]
        assert set(sides) == {100} or cols < n_folds  # squares of one fold touch at corners at most
    assert sum(counts) == cols * rows
    assert max(counts) - min(counts) <= max(1, min(cols, rows))


def test_whole_scenes_keep_their_role_and_make_one_fold():
    scenes = [bare_scene(64, 64, name=name, west=5e5 + 1000 * i) for i, name in enumerate("abc")]
    made = folds_of(scenes, ["train", "val", "test"], split(buffer_m=40))
    assert made.areas[["fold", "part", "scene"]].values.tolist() == [
        [0, "train", "a"],
        [0, "val", "b"],
        [0, "test", "c"],
    ]
    assert (made.areas.area == 64 * 64).all()
    assert made.areas.crs is None
    assert made.tiles.crs.to_epsg() == 4326
    assert made.tiles.groupby("part").size().tolist() == [49, 49, 49]


def test_a_training_scene_joins_every_fold_of_a_divided_one():
    scenes = [bare_scene(150, 48, name="a"), bare_scene(64, 64, name="b", west=6e5)]
    made = folds_of(scenes, ["split", "train"], split(n_folds=3, buffer_m=5))
    own = made.tiles[made.tiles["scene"] == "b"]
    assert own.groupby(["fold", "part"]).size().to_dict() == {(fold, "train"): 49 for fold in range(3)}


@pytest.mark.parametrize("epsg", [32633, 32632])
def test_the_buffer_holds_between_scenes_that_touch(epsg):
    left = bare_scene(100, 100, name="a", west=400_000)
    far = [bare_scene(64, 64, name="c", west=410_000), bare_scene(64, 64, name="d", west=420_000)]
    touching = bare_scene(100, 100, name="b", west=400_100.3)
    if epsg != 32633:  # the same place in the neighbouring zone
        place = touching.grid.seen_from(bare_scene(1, 1, epsg=epsg).grid, shapely.Point(0, 0))
        touching = bare_scene(100, 100, name="b", west=500_000 + place.x, north=5_800_000 - place.y, epsg=epsg)
    scenes = [left, touching, *far]
    made = folds_of(scenes, ["train", "test", "val", "train"], split(buffer_m=20))
    train, test = area_of(made.areas, "train", "d", "a"), area_of(made.areas, "test", "d", "b")
    assert test.area == 100 * 100
    distance = train.distance(touching.grid.seen_from(left.grid, test))
    assert 20 <= distance <= 24
    assert area_of(made.areas, "train", "d", "d").area == 64 * 64


def test_adjacent_scenes_keep_all_their_area_without_a_buffer():
    scenes = [bare_scene(64, 64, name=name, west=5e5 + 64 * 0.6 * i, gsd=0.6) for i, name in enumerate("abc")]
    made = folds_of(scenes, ["train", "val", "test"], split(buffer_m=0))
    assert made.areas.area.tolist() == [64 * 64] * 3


def test_a_part_without_a_tile_is_refused_and_the_advice_works():
    scene = bare_scene(200, 100)
    how = split(n_folds=5, buffer_m=6)
    with pytest.raises(FoldError, match="fold 0 has no val tile") as caught:
        folds_of([scene], ["split"], how, size=64, stride=32)
    size = int(re.search(r"tile_px (\d+)", str(caught.value))[1])
    assert size == 16  # a middle stripe keeps 40 - 6 px, on which no tile of 32 px lies at steps of 16 px
    assert len(folds_of([scene], ["split"], how, size=size, stride=size // 2).tiles) > 0


def test_an_area_with_missing_pixels_is_not_called_too_small():
    scene = bare_scene(200, 100)
    tiles = regular_tiles(scene, 16, 8)
    valid = tiles[tiles["col_off"] > 100]
    with pytest.raises(FoldError, match="min_valid_share"):
        split_folds([IndexedScene(scene, "split", valid)], split(n_folds=3), tile_px=16, folds=[0])


def test_folds_that_do_not_exist_and_blocks_that_are_too_large_are_refused():
    with pytest.raises(FoldError, match="fold 3 does not exist: there are 3"):
        folds_of([bare_scene(200, 100)], ["split"], split(n_folds=3), folds=[3])
    with pytest.raises(FoldError, match="2 x 1 blocks"):
        folds_of([bare_scene(200, 100)], ["split"], split("blocks", n_folds=3, block_m=100))


def test_the_order_of_rows_is_deterministic():
    scene = bare_scene(200, 100)
    first, second = (folds_of([scene], ["split"], split("blocks", n_folds=4, block_m=30)) for _ in range(2))
    assert first.tiles.equals(second.tiles)
    assert first.areas.equals(second.areas)
    keys = first.tiles[["fold", "row_off"]].to_numpy()
    assert (np.diff(keys[:, 0]) >= 0).all()


def test_a_random_split_assigns_every_cell_once_and_must_be_allowed():
    with pytest.raises(ValueError, match="allow_leak: true"):
        split("random", block_m=16)
    how = split("random", block_m=16, allow_leak=True, shares={"val": 0.2, "test": 0.01})
    made = folds_of([bare_scene(170, 160)], ["split"], how, stride=16)
    counts = made.tiles.groupby("part").size().to_dict()
    assert counts == {"train": 79, "val": 20, "test": 1}
    assert not made.tiles["tile_id"].duplicated().any()
    again = folds_of([bare_scene(170, 160)], ["split"], how, stride=16)
    assert again.tiles["tile_id"].tolist() == made.tiles["tile_id"].tolist()
    other = split("random", block_m=16, allow_leak=True, seed=1)
    assert (
        folds_of([bare_scene(170, 160)], ["split"], other, stride=16).tiles["tile_id"].tolist()
        != made.tiles["tile_id"].tolist()
    )
    with pytest.raises(FoldError, match="has 4 cells"):
        divide(
            bare_scene(32, 32).grid,
            split("random", block_m=16, allow_leak=True, shares={"val": 0.5, "test": 0.5}),
            0,
        )
