import geopandas
import pytest
import shapely
from grid_cases import bare_scene, indexed, listed, split

from img2height.errors import DataError, FoldError
from img2height.io.tables import write_layers
from img2height.settings.protocol import Regions
from img2height.tiles.areas import area_of
from img2height.tiles.buffers import buffer_of, half_tile_m
from img2height.tiles.folds import fold_layers, split_folds
from img2height.tiles.places import divide_scenes, find_places
from img2height.tiles.regions import read_regions

NAMES = ["old town", "harbour", "hill"]


def write_districts(path, names=NAMES, width=40, crs=32633):
    """Write districts of 40 m each side by side, starting at the west corner of the scenes."""
    boxes = [shapely.box(5e5 + 40 * n, 5.8e6 - 104, 5e5 + 40 * n + width, 5.8e6) for n in range(len(names))]
    geopandas.GeoDataFrame({"name": names}, geometry=boxes, crs=crs).to_file(path)
    return str(path)


def test_scenes_that_overlap_are_one_place_also_in_a_chain():
    easts = [0, 90, 180, 400, 500]
    scenes = [bare_scene(100, 100, name=name, west=5e5 + east) for name, east in zip("abcde", easts, strict=True)]
    assert find_places(listed(scenes, ["split"] * 5)) == [[0, 1, 2], [3], [4]]  # the last two touch only
    assert find_places(listed(scenes, ["split", "train", "split", "split", "test"])) == [[0], [2], [3]]
    assert find_places(listed(scenes, ["train", "train", "val", "test", "test"])) == []


def test_two_dates_of_one_place_are_divided_alike():
    dates = [bare_scene(120, 90, name="a"), bare_scene(60, 45, name="b", gsd=2.0)]
    first, second = divide_scenes(listed(dates, ["split"] * 2), split(n_folds=3), [1])[1]
    for part in ("train", "val", "test"):
        assert dates[1].grid.seen_from(dates[0].grid, second.areas[part]).equals(first.areas[part])


def test_a_place_is_divided_as_a_whole():
    scenes = [bare_scene(100, 50, name="a"), bare_scene(100, 50, name="b", west=5e5 + 80)]
    first, second = divide_scenes(listed(scenes, ["split"] * 2), split(n_folds=3), [1])[1]
    assert first.areas["test"].bounds == (60, 0, 100, 50)  # of 180 m the middle third
    assert second.areas["test"].bounds == (0, 0, 40, 50)


def test_the_buffer_is_half_a_tile_of_the_coarsest_scene_unless_it_is_set():
    scenes = [bare_scene(100, 100, gsd=gsd) for gsd in (0.5, 2.0)]
    assert half_tile_m(scenes, 64) == 64
    assert buffer_of(split(buffer_m=None), scenes, 64) == 64
    assert buffer_of(split(buffer_m=3.0), scenes, 64) == 3


def divided_by(file, scene, fold=0, **names):
    how = split("regions", buffer_m=0.0, regions={"file": file, **names})
    folds = split_folds(indexed([scene], ["split"], 16, 8), how, tile_px=16, folds=[fold])
    return how.count, {part: area_of(folds.areas, part, "d", "s").bounds for part in ("train", "val", "test")}


def test_each_district_is_left_out_once(tmp_path):
    file = write_districts(tmp_path / "districts.gpkg")
    count, found = divided_by(file, bare_scene(120, 100), 1, turns=NAMES)
    assert count == 3
    assert found == {"test": (40, 0, 80, 100), "val": (80, 0, 120, 100), "train": (0, 0, 40, 100)}


def test_a_fixed_division_is_one_fold_and_other_areas_are_in_no_part(tmp_path):
    file = write_districts(tmp_path / "districts.gpkg")
    parts = {"train": ["hill"], "val": ["harbour"], "test": ["old town"]}
    count, found = divided_by(file, bare_scene(200, 200), **parts)
    assert count == 1
    assert found == {"test": (0, 0, 40, 104), "val": (40, 0, 80, 104), "train": (80, 0, 120, 104)}  # squares of 8 px


def test_areas_with_one_name_are_one_district(tmp_path):
    file = write_districts(tmp_path / "districts.gpkg", [*NAMES, "hill"])
    assert read_regions(Regions(file=file, turns=NAMES)).loc["hill"].geometry.area == 80 * 104


@pytest.mark.parametrize("numbers", [[101, 102, 103], [101.0, 102.0, 103.0]])
def test_districts_may_be_numbered(tmp_path, numbers):
    file = write_districts(tmp_path / "districts.gpkg", numbers)
    assert read_regions(Regions(file=file, turns=["103", "101", "102"])).index.tolist() == ["103", "101", "102"]
    assert read_regions(Regions(file=file, turns=[103, 101, 102])).index.tolist() == ["103", "101", "102"]


def test_a_district_that_crosses_itself_is_repaired(tmp_path):
    file, frame = tmp_path / "districts.gpkg", geopandas.read_file(write_districts(tmp_path / "plain.gpkg"))
    west, south = 5e5, 5.8e6 - 104
    bow_tie = shapely.Polygon([(west, south), (west + 40, south + 104), (west + 40, south), (west, south + 104)])
    frame.geometry = [bow_tie, *frame.geometry[1:]]
    frame.to_file(file)
    assert read_regions(Regions(file=str(file), turns=NAMES)).loc["old town"].geometry.area == pytest.approx(
        40 * 104 / 2
    )


def test_districts_are_polygons_of_one_layer(tmp_path):
    file = tmp_path / "districts.gpkg"
    geopandas.GeoDataFrame({"name": NAMES}, geometry=shapely.points([[0, 0]] * 3), crs=32633).to_file(file)
    with pytest.raises(DataError, match="must be polygons, found also Point"):
        read_regions(Regions(file=str(file), turns=NAMES))
    write_layers({name: geopandas.read_file(write_districts(tmp_path / "plain.gpkg")) for name in "ab"}, file)
    with pytest.raises(DataError, match="several layers; name one of a, b"):
        read_regions(Regions(file=str(file), turns=NAMES))
    assert len(read_regions(Regions(file=str(file), turns=NAMES, layer="b"))) == 3


def test_files_that_do_not_fit_are_refused(tmp_path):
    file = write_districts(tmp_path / "districts.gpkg")
    with pytest.raises(FoldError, match="has no area 'harbor'; did you mean 'harbour'"):
        read_regions(Regions(file=file, turns=["harbor", "hill", "old town"]))
    with pytest.raises(DataError, match="no column 'district'; available: name"):
        read_regions(Regions(file=file, column="district", turns=NAMES))
    with pytest.raises(DataError, match="does not exist"):
        read_regions(Regions(file=str(tmp_path / "none.gpkg"), turns=NAMES))
    wide = write_districts(tmp_path / "wide.gpkg", width=41)
    with pytest.raises(FoldError, match="'old town' and 'harbour' overlap"):
        read_regions(Regions(file=wide, turns=NAMES))
    write_districts(tmp_path / "slivers.gpkg", width=40.2)
    read_regions(Regions(file=str(tmp_path / "slivers.gpkg"), turns=NAMES))
    with pytest.warns(UserWarning, match="crs"):
        nowhere = write_districts(tmp_path / "nowhere.gpkg", crs=None)
    with pytest.raises(DataError, match="no coordinate reference system"):
        read_regions(Regions(file=nowhere, turns=NAMES))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"turns": ["a", "b"]}, "three or more"),
        ({"train": ["a"], "test": ["b"]}, "each of train, val and test"),
        ({"turns": [*"abc"], "train": ["a"]}, "either turns or"),
        ({"train": ["a"], "val": ["b"], "test": ["a"]}, "'a' is named twice"),
    ],
)
def test_regions_need_either_turns_or_parts(names, message):
    with pytest.raises(ValueError, match=message):
        Regions(file="f", **names)


def test_regions_need_their_file():
    with pytest.raises(ValueError, match="needs split"):
        split("regions")


@pytest.mark.parametrize(("epsg", "expected"), [(32633, 32633), (32632, 4326)])
def test_the_map_of_the_folds_has_two_layers_and_the_same_bytes_twice(tmp_path, epsg, expected):
    scenes = [bare_scene(150, 60, name="a"), bare_scene(64, 64, name="b", west=4e5, epsg=epsg)]
    folds = split_folds(indexed(scenes, ["split", "train"], 16, 16), split(n_folds=3), tile_px=16, folds=[0, 1])
    for name in ("one.gpkg", "two.gpkg"):
        write_layers(fold_layers(scenes, folds), tmp_path / name)
    assert (tmp_path / "one.gpkg").read_bytes() == (tmp_path / "two.gpkg").read_bytes()
    areas, outlines = (geopandas.read_file(tmp_path / "one.gpkg", layer=layer) for layer in ("areas", "tiles"))
    assert areas.crs.to_epsg() == outlines.crs.to_epsg() == expected
    assert len(outlines) == len(folds.tiles)
    assert areas.geometry.union_all().buffer(areas.total_bounds.max() * 1e-9).covers(outlines.geometry.union_all())
    if expected == 32633:
        test = areas[(areas["fold"] == 1) & (areas["part"] == "test")]
        assert test.total_bounds.tolist() == [500_050, 5_799_940, 500_100, 5_800_000]
