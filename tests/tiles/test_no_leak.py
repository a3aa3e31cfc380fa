"""No configuration leaks, by the audit and by an independent measure, and the audit finds every small violation."""

from dataclasses import replace
from functools import cache
from itertools import combinations

import geopandas
import numpy as np
import pytest
import shapely
from grid_cases import bare_scene, indexed, listed, split, turned
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.crs import CRS
from rasterio.windows import Window

from img2height.errors import FoldError
from img2height.scenes.scene import Scene
from img2height.settings.protocol import Split
from img2height.tiles.audit import audit_areas
from img2height.tiles.buffers import buffer_of, cut_buffers, neighbours, widen
from img2height.tiles.folds import Folds, split_folds
from img2height.tiles.layout import SceneParts
from img2height.tiles.places import divide_scenes
from img2height.tiles.regions import read_regions
from img2height.vocabulary.parts import PARTS

TILE_PX = 16
NOTHING = shapely.Polygon()
MOST_ROUNDING_PX = 3  # the buffer, the scale of another zone, and the border of the obstacle, to whole pixels
ZONE, NEXT_ZONE = CRS.from_epsg(32633), CRS.from_epsg(32632)
STRATEGIES = ["vertical_stripes", "horizontal_stripes", "blocks", "fraction", "regions"]
ROLES = [["split"], ["split"] * 2, ["split", "train"], ["val", "split"], ["split", "test"], ["split", "train", "split"]]
ANY = st.sampled_from(ROLES)
MANY = settings(max_examples=1000, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
SOME = settings(MANY, max_examples=40)


@pytest.fixture(scope="module")
def districts(tmp_path_factory):
    """Return a file of five districts with oblique borders, in degrees."""
    points = [(0, 0), (70, 0), (150, 0), (400, 0), (0, 75), (75, 80), (160, 85), (400, 80), (0, 400), (80, 400)]
    corners = np.array([*points, (400, 400)], float) * (1, -1) + (499_980, 5_800_020)
    rings = {"a": (0, 1, 5, 4), "b": (1, 2, 6, 5), "c": (2, 3, 7, 6), "d": (4, 5, 9, 8), "e": (5, 6, 7, 10, 9)}
    areas = [shapely.Polygon(corners[list(ring)]) for ring in rings.values()]
    path = tmp_path_factory.mktemp("districts") / "districts.gpkg"
    geopandas.GeoDataFrame({"name": list(rings)}, geometry=areas, crs=ZONE).to_crs(4326).to_file(path)
    return str(path)


@st.composite
def configurations(draw, roles=ANY):
    """Return scenes that may overlap, of several pixel sizes, angles and zones, with roles and a way to divide them."""
    chosen, scenes = draw(roles), []
    for number, _ in enumerate(chosen):
        east, south = (draw(st.integers(-90, 160)) * 0.7 * (number > 0) for _ in "xy")
        width, height = draw(st.integers(100, 220)), draw(st.integers(100, 220))
        gsd = draw(st.sampled_from([0.5, 0.6, 1.0]))
        scene = bare_scene(width, height, name="abc"[number], west=5e5 + east, north=5.8e6 - south, gsd=gsd)
        scenes.append(draw(st.sampled_from(PLACINGS))(scene, scenes[0]) if number else scene)
    how = split(
        draw(st.sampled_from(STRATEGIES)), n_folds=draw(st.integers(3, 5)), block_m=draw(st.floats(25, 60)),
        buffer_m=draw(st.sampled_from([None, 0.0, 0.5, 3.3, 8.0])), regions={"file": "", "turns": [*"abcde"]},
    )  # fmt: skip
    return scenes, chosen, how


def elsewhere(scene: Scene, first: Scene) -> Scene:
    """Return a scene of the same size at nearly the same place, in the neighbouring zone."""
    x, y = plane(ZONE, NEXT_ZONE)(scene.grid.transform.c, scene.grid.transform.f)
    return bare_scene(
        scene.grid.width, scene.grid.height, name=scene.name, west=x, north=y, gsd=scene.grid.gsd_m, epsg=32632
    )


def aligned(scene: Scene, first: Scene) -> Scene:
    """Return a scene of the same size whose pixels are those of the first one, or continue them."""
    apart = ~first.grid.transform @ scene.grid.transform
    grid = first.grid.crop(Window(round(apart.c), round(apart.f), scene.grid.width, scene.grid.height))
    return replace(scene, grid=grid)


PLACINGS = [lambda scene, first: scene, elsewhere, aligned, lambda scene, first: turned(scene, 30)]


@cache
def plane(source: CRS, target: CRS):
    return Transformer.from_crs(source, target, always_xy=True).transform


def with_file(how: Split, districts: str) -> Split:
    return how.model_copy(update={"regions": how.regions.model_copy(update={"file": districts})})


def least_distance_m(divided: list[SceneParts], a: str, b: str) -> float:
    """Return the smallest distance of two parts on the plane of the first scene, over all pairs of pieces."""
    seen = {}
    planes = [plane(scene.grid.crs, divided[0].scene.grid.crs) for scene, _ in divided]
    for part in (a, b):
        areas = [scene.grid.to_map(areas_of.get(part, NOTHING)) for scene, areas_of in divided]
        seen[part] = [shapely.transform(x, p, interleaved=False) for x, p in zip(areas, planes, strict=True)]
    return np.nanmin(shapely.distance(np.array(seen[a])[:, None], np.array(seen[b])[None]), initial=np.inf)


def divided_and_cut(districts: str, configuration, number: int) -> tuple[list[SceneParts], list[SceneParts], float]:
    """Return the areas of a fold before and after the buffers are cut, and the buffer in metres."""
    scenes, roles, how = configuration
    buffer_m, fold = buffer_of(how, scenes, TILE_PX), number % how.count
    regions = read_districts(districts) if how.strategy == "regions" else None
    try:
        whole = divide_scenes(listed(scenes, roles), how, [fold], regions)[fold]
    except FoldError:
        assume(False)
    return whole, cut_buffers(whole, buffer_m, neighbours(scenes, buffer_m)), buffer_m


@MANY
@given(configurations(), st.integers(0, 4))
def test_no_configuration_leaks(districts, configuration, number):
    whole, cut, buffer_m = divided_and_cut(districts, configuration, number)
    for a, b in combinations(PARTS, 2):
        assert least_distance_m(cut, a, b) >= buffer_m * 0.996  # a metre of one zone is not that of the next
        for _, areas_of in cut:
            assert areas_of.get(a, NOTHING).intersection(areas_of.get(b, NOTHING)).area == 0
    for before, after in zip(whole, cut, strict=True):
        assert after.areas.get("test") == before.areas.get("test")


@SOME
@given(configurations(), st.integers(0, 4))
def test_only_pixels_near_another_part_are_cut(districts, configuration, number):
    whole, cut, buffer_m = divided_and_cut(districts, configuration, number)
    for part, obstacles in (("val", ["test"]), ("train", ["test", "val"])):
        for (scene, before), (_, after) in zip(whole, cut, strict=True):
            lost = before.get(part, NOTHING).difference(after.get(part, NOTHING))
            others = [(other.grid, areas.get(name, NOTHING)) for other, areas in cut for name in obstacles]
            near = shapely.union_all([grid.seen_from(scene.grid, area) for grid, area in others])
            assert lost.difference(widen(near, buffer_m / scene.grid.gsd_m + MOST_ROUNDING_PX)).area < 1e-3


@pytest.mark.parametrize("strategy", ["blocks", "regions"])
def test_a_second_date_cuts_nothing_that_the_first_does_not(districts, strategy):
    how = split(strategy, n_folds=4, block_m=96, buffer_m=8.0, regions={"file": "", "turns": [*"abcde"]})
    dates = [bare_scene(384, 384, name=name) for name in "ab"]
    _, alone, _ = divided_and_cut(districts, (dates[:1], ["split"], how), 1)
    _, both, _ = divided_and_cut(districts, (dates, ["split"] * 2, how), 1)
    for _, areas in both:
        assert all(areas[part].equals(alone[0].areas[part]) for part in PARTS)


@cache
def read_districts(path: str) -> geopandas.GeoDataFrame:
    return read_regions(with_file(split(regions={"file": "", "turns": [*"abcde"]}), path).regions)


def folds_of(scenes, roles, how, fold) -> Folds:
    try:
        return split_folds(indexed(scenes, roles, TILE_PX, TILE_PX), how, tile_px=TILE_PX, folds=[fold])
    except FoldError:
        assume(False)


@SOME
@given(configurations(), st.integers(0, 4), st.integers(0, 10**6))
def test_a_tile_in_another_part_is_always_found(districts, configuration, number, which):
    scenes, roles, how = configuration
    folds = folds_of(scenes, roles, with_file(how, districts), number % how.count)
    buffer_m = buffer_of(how, scenes, TILE_PX)
    assert audit_areas(scenes, folds.tiles, folds.areas, buffer_m).leaks == []
    row, moved = which % len(folds.tiles), folds.tiles.copy()
    moved.loc[row, "part"] = PARTS[(PARTS.index(moved.loc[row, "part"]) + 1 + which % 2) % 3]
    leaks = audit_areas(scenes, moved, folds.areas, buffer_m).leaks
    assert any(moved.loc[row, "tile_id"] in leak for leak in leaks)


@SOME
@given(configurations(st.just(["split"])), st.integers(0, 4), st.sampled_from(["train", "val", "test"]))
def test_an_area_grown_by_a_pixel_is_always_found(districts, configuration, number, part):
    scenes, roles, how = configuration
    folds = folds_of(scenes, roles, with_file(how, districts), number % how.count)
    areas, row = folds.areas.copy(), folds.areas["part"] == part
    areas.loc[row, "geometry"] = [widen(area, 1) for area in areas.geometry[row]]
    leaks = audit_areas(scenes, folds.tiles, areas, buffer_of(how, scenes, TILE_PX)).leaks
    assert any(part in leak and leak.count(" tile d/") == 2 for leak in leaks)
