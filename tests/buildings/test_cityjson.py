import json
from collections import Counter

import geopandas
import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis.extra.numpy import arrays
from rasterio.crs import CRS
from shapely.geometry import Point, box

from img2height.buildings import extract
from img2height.buildings.cityjson import city_model, write_cityjson, write_cityjson_sequence

UTM = CRS.from_epsg(25832)


def buildings(*outlines, height_m=10.0, ground_m=100.0, crs=UTM) -> geopandas.GeoDataFrame:
    geometry = geopandas.GeoSeries(list(outlines), crs=crs)
    numbers = {"building_id": range(1, len(outlines) + 1), "height_m": height_m, "height_max_m": height_m}
    return geopandas.GeoDataFrame(numbers | {"ground_m": ground_m, "area_m2": geometry.area}, geometry=geometry)


def objects(model: dict) -> list[dict]:
    return list(model["CityObjects"].values())


def solids(model: dict) -> list[list]:
    return [part["boundaries"] for one in objects(model) for part in one["geometry"] if part["lod"] == "1.2"]


def volume_m3(model: dict, solid: list) -> float:
    """Volume by the divergence theorem; positive only if the faces look outward."""
    xyz = np.array(model["vertices"], float) * model["transform"]["scale"]
    six = 0.0
    for ring in (ring for shell in solid for face in shell for ring in face):
        points = xyz[ring]
        six += sum(points[0] @ np.cross(points[i], points[i + 1]) for i in range(1, len(ring) - 1))
    return six / 6


def check_structure(model: dict) -> None:
    """Every index in range and used, every solid closed: each edge once in each direction."""
    used = set()
    for shell in (shell for one in objects(model) for part in one["geometry"] for shell in part["boundaries"]):
        rings = [ring for face in shell for ring in face]
        edges = Counter((ring[i - 1], ring[i]) for ring in rings for i in range(len(ring)))
        assert all(count == 1 and edges[b, a] == 1 for (a, b), count in edges.items())
        assert all(len(set(ring)) == len(ring) >= 3 for ring in rings)
        used |= {vertex for ring in rings for vertex in ring}
    assert used == set(range(len(model["vertices"])))
    assert all(type(number) is int for vertex in model["vertices"] for number in vertex)
    assert len({tuple(vertex) for vertex in model["vertices"]}) == len(model["vertices"])


def test_volume_is_area_times_height_and_faces_look_outward():
    ring = box(500_000, 5_400_000, 500_020, 5_400_010).difference(box(500_005, 5_400_002, 500_008, 5_400_006))
    model = city_model(buildings(box(500_100.2504, 5_400_000, 500_110, 5_400_010), ring, height_m=7.5), "Town")
    check_structure(model)
    volumes = [volume_m3(model, solid) for solid in solids(model)]
    assert volumes == pytest.approx([9.7496 * 10 * 7.5, 188 * 7.5])
    assert model["metadata"]["geographicalExtent"] == [500_000, 5_400_000, 100, 500_110, 5_400_010, 107.5]


def test_floor_roof_and_walls_face_away_from_the_block():
    model = city_model(buildings(box(0, 0, 4, 6), height_m=3.0, ground_m=0.0), "One")
    xyz = np.array(model["vertices"]) * 0.0001
    for ((ring,),) in [[face] for face in solids(model)[0][0]]:
        normal = np.cross(xyz[ring[1]] - xyz[ring[0]], xyz[ring[2]] - xyz[ring[1]])
        assert normal @ (xyz[ring].mean(axis=0) - [2, 3, 1.5]) > 0


def test_file_is_cityjson_2_with_reference_system_and_attributes(tmp_path):
    write_cityjson(buildings(box(0, 0, 4, 6)), tmp_path / "a.city.json", "Town")
    write_cityjson(buildings(box(0, 0, 4, 6)), tmp_path / "b.city.json", "Town")
    assert (tmp_path / "a.city.json").read_bytes() == (tmp_path / "b.city.json").read_bytes()
    model = json.loads((tmp_path / "a.city.json").read_text())
    assert (model["type"], model["version"]) == ("CityJSON", "2.0")
    assert model["metadata"]["referenceSystem"] == "https://www.opengis.net/def/crs/EPSG/0/25832"
    (building,) = model["CityObjects"].values()
    assert (building["type"], building["geometry"][0]["type"], building["geometry"][0]["lod"]) == (
        "Building",
        "Solid",
        "1.2",
    )
    assert (building["attributes"]["height_m"], building["attributes"]["building_id"]) == (10.0, 1)


def test_surfaces_are_named():
    model = city_model(buildings(box(0, 0, 4, 6)), "Town")
    (solid,) = next(iter(model["CityObjects"].values()))["geometry"]
    faces = np.array(model["vertices"])[np.array([face[0] for face in solid["boundaries"][0]])]
    kinds = [solid["semantics"]["surfaces"][i]["type"] for i in solid["semantics"]["values"][0]]
    assert kinds == ["GroundSurface", "RoofSurface"] + ["WallSurface"] * 4
    assert [set(face[:, 2]) for face in faces[:2]] == [{1_000_000}, {1_100_000}]


def test_houses_that_share_walls_have_a_second_block_of_their_mean_height():
    row = [box(0, 0, 5, 10), box(5, 0, 15, 10), box(15, 10, 20, 20), box(30, 0, 40, 10)]  # the third shares a corner
    model = city_model(buildings(*row, height_m=[6.0, 9.0, 7.0, np.nan]), "Row")
    check_structure(model)
    blocks = [
        {solid["lod"]: volume_m3(model, solid["boundaries"]) for solid in one["geometry"]} for one in objects(model)
    ]
    assert blocks == [pytest.approx(v) for v in ({"1.2": 300, "1.0": 400}, {"1.2": 900, "1.0": 800}, {"1.2": 350}, {})]


def test_sequence_has_the_same_buildings(tmp_path):
    frame = buildings(box(0, 0, 4, 6), box(4, 0, 9, 6), Point(50, 50).buffer(9), height_m=[5.0, 7.0, np.nan])
    write_cityjson_sequence(frame, tmp_path / "a.city.jsonl", "Town")
    header, *features = map(json.loads, (tmp_path / "a.city.jsonl").read_text().splitlines())
    model = city_model(frame, "Town")
    assert header == model | {"CityObjects": {}, "vertices": []}
    assert [feature["id"] for feature in features] == list(model["CityObjects"])
    for feature in features:
        check_structure(feature | {"transform": header["transform"]})
        (building,) = feature["CityObjects"].values()
        assert building["attributes"] == model["CityObjects"][feature["id"]]["attributes"]


def test_names_are_unique_across_sources_and_stable_for_a_building():
    """cjio 0.10.1 merges files by the names of their objects: of two `building-1` one is lost."""
    one, two, three = box(0, 0, 4, 6), box(9, 9, 12, 12), box(20, 20, 30, 30)
    first = list(city_model(buildings(one, three), "tiny/unet/seed0/tiny/east")["CityObjects"])
    again = list(city_model(buildings(one, two, three), "tiny/unet/seed0/tiny/east")["CityObjects"])
    assert [again[0], again[2]] == first
    others = ("other/unet/seed0/tiny/east", "tiny/pix2pix/seed0/tiny/east", "tiny/unet/seed1/tiny/east")
    others += ("tiny/unet/seed0/small/east", "tiny/unet/seed0/tiny/west")
    names = [name for source in others for name in city_model(buildings(one, two), source)["CityObjects"]]
    assert len({*again, *names}) == 3 + 10


def test_missing_terrain_gives_a_base_of_zero_and_the_title_records_it():
    model = city_model(buildings(box(0, 0, 4, 6), box(9, 9, 12, 12), ground_m=[np.nan, 50.0]), "Town")
    assert "1 of 2 stand on 0 m" in model["metadata"]["title"]
    assert [one["attributes"]["ground_m"] for one in model["CityObjects"].values()] == [None, 50.0]
    assert {vertex[2] for vertex in model["vertices"]} == {0, 100_000, 500_000, 600_000}


def test_building_without_height_has_no_block():
    model = city_model(buildings(box(0, 0, 4, 6), height_m=np.nan), "Town")
    (building,) = model["CityObjects"].values()
    assert (building["geometry"], building["attributes"]["height_m"]) == ([], None)
    check_structure(model)


def test_no_buildings_are_a_valid_file(tmp_path):
    write_cityjson(buildings(), tmp_path / "none.city.json", "Town")
    model = json.loads((tmp_path / "none.city.json").read_text())
    assert (model["CityObjects"], model["vertices"]) == ({}, [])


def test_outlines_that_touch_themselves_still_make_closed_solids():
    pinched = box(0, 0, 6, 6).difference(box(2, 2, 4, 4)).difference(box(0, 4, 2, 6))
    model = city_model(buildings(pinched), "Town")
    check_structure(model)
    assert volume_m3(model, solids(model)[0]) == pytest.approx(28 * 10, rel=0.01)


@given(arrays(bool, (10, 10)))
def test_any_mask_makes_closed_solids(footprint):
    frame = extract(np.full((10, 10), 5.0), footprint, Affine(2, 0, 700_000, 0, -2, 5_000_000), UTM, simplify_m=0.0)
    model = city_model(frame.assign(height_m=5.0), "Any")
    check_structure(model)
    volume = sum(volume_m3(model, solid) for solid in solids(model))
    assert volume == pytest.approx(footprint.sum() * 4 * 5.0, rel=0.02)


def test_round_outline_keeps_its_volume():
    model = city_model(buildings(Point(1000, 1000).buffer(12)), "Round")
    check_structure(model)
    assert volume_m3(model, solids(model)[0]) == pytest.approx(Point(0, 0).buffer(12).area * 10, rel=1e-4)


LOCAL = "+proj=tmerc +lat_0=1.234 +lon_0=5.678 +datum=WGS84 +units=m"


@pytest.mark.parametrize(
    ("system", "code", "note"),
    [
        ("EPSG:25833", 25833, None),
        ("EPSG:5554", 5554, None),  # a compound system with a code of its own
        ("EPSG:25833+7837", 25833, "heights in DHHN2016 height"),  # as German surface models are delivered
        ("EPSG:26918+5703", 26918, "heights in NAVD88 height"),
        ("EPSG:2056+5728", 2056, "heights in LN02 height"),
        (LOCAL, None, "no EPSG code"),
    ],
)
def test_any_projected_system_can_be_written(system, code, note):
    model = city_model(buildings(box(0, 0, 1, 1), crs=CRS.from_user_input(system)), "Town")
    metadata = model["metadata"]
    assert metadata.get("referenceSystem", "/None").rsplit("/", 1)[1] == str(code)
    assert metadata["title"].startswith("Buildings of Town")
    assert note is None or note in metadata["title"]
    check_structure(model)
