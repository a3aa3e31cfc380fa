import numpy as np
import pytest
import rasterio
from raw_cases import band, deliver, prepare, ramp, write

from img2height.scenes.city import CitySettings, generate
from img2height.scenes.city.optical import render
from img2height.scenes.quality import quality_report, quality_reports
from img2height.scenes.registration import CONFIDENT, estimate_offset


@pytest.fixture(scope="module")
def city():
    made = generate(CitySettings(size_px=512, seed=5, sun_elevation_deg=70))
    return render(made)[:3], made.ndsm


def offset_of(tmp_path, image, heights):
    write(tmp_path / "eo.tif", image)
    write(tmp_path / "ndsm.tif", heights.astype(np.float32))
    with rasterio.open(tmp_path / "eo.tif") as eo, rasterio.open(tmp_path / "ndsm.tif") as ndsm:
        return estimate_offset(eo, ndsm, 1.0)


@pytest.mark.parametrize(("east", "north"), [(0, 0), (4, 0), (-3, 5)])
def test_a_shift_of_the_image_is_found(tmp_path, city, east, north):
    image, heights = city
    still = offset_of(tmp_path, image, heights)
    moved = offset_of(tmp_path, np.roll(image, (-north, east), axis=(1, 2)), heights)
    assert moved.confidence > CONFIDENT
    assert moved.east_m - still.east_m == pytest.approx(east, abs=0.3)
    assert moved.north_m - still.north_m == pytest.approx(north, abs=0.3)
    assert np.hypot(still.east_m, still.north_m) < 1.0


def test_noise_is_not_taken_for_a_shift(tmp_path, city):
    noise = np.random.default_rng(0).integers(0, 255, (1, 512, 512), dtype=np.uint8)
    assert not offset_of(tmp_path, noise, city[1]).confident


def test_flat_ground_has_no_offset(tmp_path, city):
    assert offset_of(tmp_path, city[0], np.zeros((512, 512))) is None


@pytest.mark.parametrize("side", [1, 2, 8, 19, 20])
def test_a_tiny_scene_is_measured(tmp_path, side):
    layers = deliver(tmp_path / "raw")
    for name, values in (("eo", np.ones((3, 20, 20), np.uint8)), ("dsm", ramp(20) + 5), ("dtm", ramp(20))):
        unit, names = (None, ["red", "green", "blue"]) if name == "eo" else ("metre", None)
        write(tmp_path / "raw" / f"{name}.tif", values[..., :side, :side], unit=unit, names=names)
    del layers["building"]
    report = quality_report(prepare(tmp_path, layers))
    assert (report["registration"], report["overlap_share"]) == (None, 1)


def test_a_sound_scene_has_numbers_and_no_warning(tmp_path):
    scene = prepare(tmp_path, deliver(tmp_path / "raw"))
    report = quality_report(scene)
    assert report["warnings"] == []
    assert report["overlap_share"] == 1
    assert report["ndsm_ratio"] == pytest.approx(1)
    assert report["layers"]["dsm"]["max"] == pytest.approx(band(scene, "dsm").max())
    assert report["layers"]["dsm"]["median"] == pytest.approx(np.median(ramp() + 5), abs=0.01)
    assert report["building_height_m"] == pytest.approx(5)


def warned(tmp_path, name, array, layers=None, **options) -> str:
    declared = deliver(tmp_path / "raw") | (layers or {})
    write(tmp_path / "raw" / f"{name}.tif", array, **options)
    return " ".join(quality_report(prepare(tmp_path, declared))["warnings"])


def test_feet_in_one_layer_are_noticed(tmp_path):
    above = np.full((64, 64), 5 / 0.3048, np.float32)
    assert "in feet" in warned(tmp_path, "ndsm", above, {"ndsm": {"path": "ndsm.tif", "unit": "metre"}})


def test_centimetres_are_noticed(tmp_path):
    above = np.full((64, 64), 500, np.float32)
    assert "read as metres" in warned(tmp_path, "ndsm", above, {"ndsm": {"path": "ndsm.tif", "unit": "metre"}})


def test_scaled_heights_are_noticed(tmp_path):
    above = np.full((64, 64), 0.8, np.float32)
    assert "scaled to 0..1" in warned(tmp_path, "ndsm", above, {"ndsm": {"path": "ndsm.tif", "unit": "metre"}})


@pytest.mark.parametrize(
    ("name", "rows", "share"), [("dsm", 2, "3.1%"), ("dsm_initial", 2, "3.1%"), ("dsm_initial", 40, "62.5%")]
)
def test_missing_stored_as_zero_is_noticed(tmp_path, name, rows, share):
    surface = ramp() + 5
    surface[:rows] = 0
    found = warned(tmp_path, name, surface, {"dsm_initial": {"path": f"{name}.tif"}}, unit="metre")
    assert f"{name} is exactly 0 m on {share} of the scene, the median of the others is 1" in found


def test_a_nodata_value_in_a_few_pixels_of_the_terrain_is_noticed(tmp_path):
    terrain = ramp()
    terrain[::16, ::16] = -999  # 0.4 % of the pixels
    assert "ndsm reaches 1157 m, more than any building" in warned(tmp_path, "dtm", terrain, unit="metre")


def test_black_borders_are_noticed(tmp_path):
    image = np.full((3, 64, 64), 80, np.uint8)
    image[:, :, :8] = 0
    assert "12% of the image is black" in warned(tmp_path, "eo", image, names=["red", "green", "blue"])


def test_little_overlap_is_noticed(tmp_path):
    assert "on only 25%" in warned(tmp_path, "dsm", ramp()[:, :16] + 5, unit="metre")


@pytest.mark.parametrize(
    ("step", "said"), [(1.0, "dsm changes in steps of 1 m"), (0.5, "dsm changes in steps of 0.5 m"), (0.1, "")]
)
def test_rounded_heights_are_noticed(tmp_path, step, said):
    """Only of the surface: the terrain is exact."""
    surface = np.round((ramp() + 5) / step).astype(np.float32) * np.float32(step)
    found = warned(tmp_path, "dsm", surface, unit="metre")
    assert said in found
    assert said or "steps" not in found


def test_clipped_and_constant_bands_are_noticed(tmp_path):
    image = np.random.default_rng(0).integers(1, 255, (3, 64, 64), dtype=np.uint8)
    image[0, :, :8], image[2] = 255, 7
    found = warned(tmp_path, "eo", image, names=["red", "green", "blue"])
    assert "12% of eo red has the largest value of its type" in found
    assert "eo blue has the same value everywhere" in found
    assert "green" not in found


def test_a_surface_below_its_terrain_is_noticed(tmp_path):
    surface = ramp() + 5
    surface[:16] -= 8
    found = warned(tmp_path, "dsm", surface, unit="metre")
    assert "more than 1 m below the dtm on 25% of the scene" in found


def test_buildings_without_height_are_noticed(tmp_path):
    surface = ramp() + 5
    surface[:32] -= 5  # half of the mask, which is the right half of the scene
    assert "48% of the building mask is less than 1 m high" in warned(tmp_path, "dsm", surface, unit="metre")


def test_an_image_alone_is_a_scene(tmp_path):
    layers = {"eo": deliver(tmp_path / "raw")["eo"]}
    report = quality_report(prepare(tmp_path, layers))
    assert list(report["layers"]) == ["eo"]
    assert [report[key] for key in ("overlap_share", "ndsm_ratio", "building_height_m", "registration")] == [None] * 4
    assert report["warnings"] == []


def test_each_check_has_a_verdict(tmp_path):
    scene = prepare(tmp_path, deliver(tmp_path / "raw"))
    report = quality_report(scene, ["d/twin"])
    verdicts = {check["about"]: check["verdict"] for check in report["checks"]}
    assert verdicts["coverage of eo"] == verdicts["units"] == verdicts["flat buildings"] == "fine"
    assert verdicts["duplicates"] == "stop"
    assert all(bool(check["advice"]) == (check["verdict"] != "fine") for check in report["checks"])
    assert [found["warnings"] for found in quality_reports([scene])] == [[]]
