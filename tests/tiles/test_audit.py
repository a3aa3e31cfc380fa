from dataclasses import replace

import geopandas
import numpy as np
import pandas
import pytest
import shapely
from grid_cases import bare_scene, indexed, regular_tiles, split

from img2height.errors import FoldError
from img2height.io.rasters import Band, write_cog
from img2height.io.tables import read_json
from img2height.scenes.scene import SceneLayer
from img2height.tiles.audit import audit_folds
from img2height.tiles.fold_map import draw_folds
from img2height.tiles.folds import Folds, split_folds
from img2height.tiles.record import read_audit, refuse_leaks, write_audit

BUFFER_M = 8.0


@pytest.fixture
def photographed(tmp_path):
    """Return a function that gives a scene a random image from a seed."""

    def photograph(scene, seed):
        path = tmp_path / scene.name
        pixels = np.random.default_rng(seed).integers(0, 255, (1, *scene.grid.shape), dtype=np.uint8)
        write_cog(path / "eo.tif", pixels, scene.grid, [Band("red")])
        return replace(scene, folder=path, layers={"eo": SceneLayer.of(path / "eo.tif", ["red"])})

    return photograph


@pytest.fixture
def divided(photographed):
    scene = photographed(bare_scene(200, 64), 0)
    return scene, fold_up([scene], ["split"])


def fold_up(scenes, roles, buffer_m=BUFFER_M):
    how = split(n_folds=3, buffer_m=buffer_m)
    numbers = list(range(how.count if "split" in roles else 1))
    return split_folds(indexed(scenes, roles, 16, 16), how, tile_px=16, folds=numbers)


def audit(scenes, folds):
    return audit_folds(scenes, folds.tiles, folds.areas, BUFFER_M)


def refused(scenes, folds, *words):
    with pytest.raises(FoldError) as caught:
        refuse_leaks(audit(scenes, folds))
    for word in words:
        assert word in str(caught.value)


def changed(areas, chosen, geometry):
    areas = areas.copy()
    areas.loc[chosen, "geometry"] = geopandas.GeoSeries([geometry] * int(chosen.sum()), index=areas.index[chosen])
    return areas


def test_a_valid_division_has_measurements_and_no_leak(divided, tmp_path):
    scene, folds = divided
    found = audit([scene], folds)
    refuse_leaks(found)
    write_audit(found, tmp_path / "audit.json")
    assert read_audit(tmp_path / "audit.json") == found
    middle = found.folds[1]
    assert middle.distance_m == {"train-val": 133 + 8 - 59, "train-test": 8, "val-test": 8}
    assert middle.shared_px == {"train-val": 0, "train-test": 0, "val-test": 0}
    assert middle.area_m2["test"] == 66 * 64
    assert middle.tiles == folds.tiles[folds.tiles["fold"] == 1].groupby("part").size().to_dict()
    assert found.mean_area_m2("test") == 200 * 64 / 3


def test_the_file_of_the_audit_names_tiles_by_part(divided, tmp_path):
    scene, folds = divided
    write_audit(audit([scene], folds), tmp_path / "audit.json")
    written = read_json(tmp_path / "audit.json")
    assert set(written) == {
        "buffer_m", "half_tile_m", "folds", "test_overlap_px", "remarks", "leaks", "copied_tiles"
    }  # fmt: skip
    assert set(written["folds"]) == {"0", "1", "2"}
    nearest = written["folds"]["1"]["nearest_tiles"]["train-test"]
    assert nearest == {"train": "d/s/000000_000032", "test": "d/s/000000_000080", "distance_m": 80 - 48}


def test_a_buffer_that_is_too_small_is_found(divided):
    scene, _ = divided
    refused([scene], fold_up([scene], ["split"], buffer_m=4), "come within 4 m, the buffer is 8 m")


def test_a_leak_names_the_two_tiles(divided):
    scene, _ = divided
    tiles = ("nearest: train tile d/s/000000_000144, val tile d/s/000000_000112", "val tile d/s/000000_000080")
    refused([scene], fold_up([scene], ["split"], buffer_m=4), *tiles)


def test_a_buffer_below_half_a_tile_is_allowed_and_reported(divided):
    scene, folds = divided
    assert audit([scene], folds).remarks == []
    found = audit_folds([scene], folds.tiles, folds.areas, 4.0)
    assert found.leaks == []
    assert found.half_tile_m == 8
    (remark,) = found.remarks
    assert "4 m is less than half a tile (8 m)" in remark


def test_shared_pixels_are_found(divided):
    scene, folds = divided
    train = (folds.areas["fold"] == 0) & (folds.areas["part"] == "train")
    areas = changed(folds.areas, train, shapely.box(60, 0, 200, 64))
    refused([scene], Folds(folds.tiles, areas), "fold 0: train and test share 448 px")


def test_a_tile_outside_its_area_is_found(divided):
    scene, folds = divided
    tiles = folds.tiles.copy()
    tiles.loc[0, "col_off"] -= 5
    refused([scene], Folds(tiles, folds.areas), "1 tiles extend beyond the area", tiles.loc[0, "tile_id"])


def test_a_tile_in_two_parts_is_found(divided):
    scene, folds = divided
    copy = folds.tiles[folds.tiles["part"] == "test"].head(1).assign(part="train")
    refused(
        [scene], Folds(pandas.concat([folds.tiles, copy], ignore_index=True), folds.areas), "same image in two parts"
    )


def far_apart(names="abc"):
    return [bare_scene(64, 64, name=name, west=5e5 + 2000 * index) for index, name in enumerate(names)]


def test_a_copied_image_is_found_at_any_position(photographed):
    roles = ["train", "val", "test"]
    scenes = [photographed(scene, seed) for scene, seed in zip(far_apart(), (0, 1, 2), strict=True)]
    refuse_leaks(audit(scenes, fold_up(scenes, roles)))
    scenes = [photographed(scene, seed) for scene, seed in zip(far_apart("def"), (0, 1, 0), strict=True)]
    refused(scenes, fold_up(scenes, roles), "16 pairs of tiles show the same image in two parts")


def test_an_area_shown_by_two_scenes_is_found(photographed):
    scenes = far_apart()
    scenes[2] = bare_scene(64, 64, name="c", west=5e5 + 32)  # half of it is that of the first
    scenes = [photographed(scene, seed) for seed, scene in enumerate(scenes)]
    roles = ("train", "val", "test")
    facts = {"fold": 0, "part": roles, "dataset": "d", "scene": [scene.name for scene in scenes]}
    areas = geopandas.GeoDataFrame(facts, geometry=[shapely.box(0, 0, 64, 64)] * 3, crs=None)
    tables = [
        regular_tiles(scene, 16, 16).to_crs(4326).assign(fold=0, part=role)
        for scene, role in zip(scenes, roles, strict=True)
    ]
    tiles = pandas.concat(tables, ignore_index=True)
    refused(scenes, Folds(tiles, areas), "2048 m2 are shown by two scenes, as train and as test", "same role")


def test_an_area_that_is_tested_twice_is_found(photographed):
    scenes = [photographed(bare_scene(200, 64, name="a"), 0), photographed(bare_scene(64, 64, name="b", west=6e5), 1)]
    refused(scenes, fold_up(scenes, ["split", "test"]), "d/b: 8192 px are in the test area of more than one fold")


def test_the_map_has_the_same_bytes_twice(divided, tmp_path):
    scene, folds = divided
    for name in ("a.png", "b.png"):
        draw_folds([scene], folds.tiles, folds.areas, BUFFER_M, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").stat().st_size > 5000
