"""What a correction makes of a map that is wrong in a known way."""

import json
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from correction_cases import CELL, GRID, SIDE, heights, some_pixels, table, write_map, write_points
from rasterio.windows import Window
from rio_cogeo.cogeo import cog_validate

from img2height.correction.apply import Rasters, Report, correct_map, corrected, open_map
from img2height.correction.control import read_control
from img2height.correction.models import FITS, fit_boosted
from img2height.correction.placed import References, place
from img2height.correction.samples import Samples, samples_of

ABOVE = References("above_ground", "metre")


def correct(heights_tif: Path, control: Path, refer: References = ABOVE, **files: Path) -> tuple[Report, Path]:
    out = heights_tif.with_name("out.tif")
    return correct_map(Rasters(heights_tif, **files), read_control(control, crs="EPSG:32633"), refer, out), out


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as raster:
        return raster.read(1, masked=True).filled(np.nan)


def test_an_affine_error_is_undone(tmp_path):
    truth = heights()
    report, out = correct(write_map(tmp_path / "map.tif", 0.8 * truth + 1), write_points(tmp_path / "k.csv", truth))
    assert report.chosen == "affine"
    assert report.correction == [f"{kind}: 1.250 x height -1.25 m" for kind in ("ground", "other")]
    np.testing.assert_allclose(read(out), truth, atol=1e-4)
    plain, affine = report.candidates[0], report.candidates[2]
    assert plain.mae_m.low < plain.mae_m.value < plain.mae_m.high
    assert affine.rmse_m.value == pytest.approx(0, abs=1e-4)
    assert affine.change_m.high < 0


def test_outliers_do_not_move_it(tmp_path):
    truth = heights()
    rows, columns = some_pixels(300)
    control = truth[rows, columns]
    control[::30] += 60  # cranes, birds, and slips of the pen
    table(rows, columns, control).to_csv(tmp_path / "k.csv", index=False)
    _, out = correct(write_map(tmp_path / "map.tif", 0.5 * truth + 2), tmp_path / "k.csv")
    assert np.abs(read(out) - truth).mean() < 0.3


@pytest.mark.parametrize("noise_m", [0.0, 1.0])
def test_a_map_without_a_systematic_error_is_left_alone(tmp_path, noise_m):
    truth = heights()
    noise = np.random.default_rng(3).normal(0, noise_m, truth.shape)
    report, out = correct(write_map(tmp_path / "map.tif", truth), write_points(tmp_path / "k.csv", truth + noise))
    assert (report.chosen, report.correction) == ("none", [])
    assert sorted(path.name for path in out.parent.iterdir()) == ["k.csv", "map.tif"]


def test_a_map_that_shows_nothing_is_not_replaced_by_a_constant(tmp_path):
    truth = heights()
    report, out = correct(
        write_map(tmp_path / "map.tif", np.random.default_rng(0).permutation(truth.ravel()).reshape(truth.shape)),
        write_points(tmp_path / "k.csv", truth),
    )
    plain, constant = report.candidates[:2]
    assert constant.rmse_m.value < plain.rmse_m.value
    assert report.chosen == "none"
    assert not out.exists()


def test_what_the_image_shows_is_used_if_it_helps(tmp_path):
    truth = heights()
    trees = np.kron(np.random.default_rng(1).random((SIDE // CELL,) * 2) < 0.5, np.ones((CELL, CELL))) > 0
    image = np.stack([np.full(truth.shape, 90), np.where(trees, 160, 80), np.full(truth.shape, 90)]).astype(np.uint8)
    with rasterio.open(
        tmp_path / "image.tif", "w", driver="GTiff", width=SIDE, height=SIDE, count=3, dtype="uint8", crs=GRID.crs,
        transform=GRID.transform,
    ) as out:  # fmt: skip
        out.write(image)
    wrong = write_map(tmp_path / "map.tif", np.where(trees, 0.4, 1.0) * truth)  # trees come out too low
    control = write_points(tmp_path / "k.csv", truth, count=600)
    report, out = correct(wrong, control, image=tmp_path / "image.tif")
    assert report.chosen == "boosted trees"
    assert np.abs(read(out) - truth).mean() < 0.7 * np.abs(read(wrong) - truth).mean()


def test_nodata_probabilities_tags_and_form_of_the_output(tmp_path):
    truth = heights()
    probability = np.where(truth > 10, 0.9, 0.1)
    wrong = np.where(np.arange(SIDE) < 20, np.nan, 0.5 * truth - 1)
    wrong[0, 30] = -9  # becomes a height below the ground, which is clipped
    source = write_map(tmp_path / "map.tif", wrong, building_probability=probability, height_spread=np.ones_like(truth))
    with rasterio.open(source, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as raster:
        raster.update_tags(IMG2HEIGHT_METHOD="unet")
    report, out = correct(source, write_points(tmp_path / "k.csv", truth))
    assert cog_validate(out)[0]
    with rasterio.open(out) as raster:
        found = raster.read(masked=True)
        assert raster.descriptions == ("ndsm", "building_probability")
        assert raster.units == ("metre", "1")
        tags = raster.tags()
    assert found.mask[0, :, :20].all()
    assert not found.mask[0, :, 20:].any()
    assert found[0].min() == 0
    np.testing.assert_array_equal(found[1].data, probability.astype(np.float32))
    assert tags["IMG2HEIGHT_METHOD"] == "unet"
    assert tags["IMG2HEIGHT_CORRECTION"].startswith("affine; ground: 2.000 x height +2.00 m; buildings:")
    assert tags["IMG2HEIGHT_CORRECTION_HEIGHTS"].startswith(f"{report.samples} of k.csv, SHA-256 ")
    assert Report.model_validate(json.loads(out.with_suffix(".json").read_text())) == report


@pytest.mark.parametrize("name", FITS)
def test_a_pixel_does_not_depend_on_the_window_that_is_read(tmp_path, name):
    rng = np.random.default_rng(0)
    rough = heights() + rng.normal(0, 1, (SIDE, SIDE)).astype(np.float32)
    rough[50:60, 50:90] = np.nan
    source = write_map(tmp_path / "map.tif", rough, building_probability=rng.random((SIDE, SIDE)))
    control = read_control(write_points(tmp_path / "k.csv", heights()), crs="EPSG:32633")
    with open_map(source) as onto:
        correction = FITS[name](samples_of(place(control, onto, ABOVE), onto))
        whole = corrected(onto, correction, Window(0, 0, SIDE, SIDE))
        for side in (37, 100):
            parts = np.full((SIDE, SIDE), np.nan, np.float32)
            for block in onto.grid.blocks(side):
                parts[block.toslices()] = corrected(onto, correction, block)
            np.testing.assert_array_equal(parts, whole)


def test_the_same_call_gives_the_same_bytes(tmp_path):
    truth = heights()
    source, control = write_map(tmp_path / "map.tif", 0.8 * truth + 1), write_points(tmp_path / "k.csv", truth)
    first = correct(source, control)[1].read_bytes()
    assert correct(source, control)[1].read_bytes() == first


def test_heights_of_buildings_correct_buildings_and_not_the_ground(tmp_path):
    truth = heights()
    wrong = write_map(tmp_path / "map.tif", np.where(truth > 0, 0.7 * truth, 0.5))
    corners = [(r, c) for r in range(0, SIDE, CELL) for c in range(0, SIDE, CELL) if truth[r, c] > 0]
    boxes = [GRID.to_map(shapely.box(c, r, c + CELL, r + CELL)) for r, c in corners]
    control = geopandas.GeoDataFrame({"h_m": [truth[corner] for corner in corners]}, geometry=boxes, crs=32633)
    control.to_file(tmp_path / "houses.gpkg")
    found = read_control(tmp_path / "houses.gpkg", column="h_m")
    report = correct_map(Rasters(wrong), found, ABOVE, out := tmp_path / "out.tif")
    shown = 0.7 * truth > 3
    assert report.samples == sum(0.7 * truth[corner] > 3 for corner in corners)
    np.testing.assert_allclose(read(out)[shown], truth[shown], atol=0.02)
    np.testing.assert_array_equal(read(out)[truth == 0], 0.5)


def test_elevations_correct_a_map_of_heights_above_ground_through_the_terrain(tmp_path):
    truth, terrain = heights(), np.add.outer(np.arange(SIDE), np.arange(SIDE)) * 0.05 + 200
    write_map(tmp_path / "dtm.tif", terrain, "dem")
    source, control = (
        write_map(tmp_path / "map.tif", 0.8 * truth + 1),
        write_points(tmp_path / "k.csv", truth + terrain),
    )
    refer = References("elevation", "metre", "EPSG:5703", "EPSG:5703")
    report, out = correct(source, control, refer, terrain=tmp_path / "dtm.tif")
    assert report.chosen == "affine"
    np.testing.assert_allclose(read(out), truth, atol=1e-3)


def test_the_scale_and_offset_of_the_terrain_are_applied(tmp_path):
    truth, terrain = heights(), np.full((SIDE, SIDE), 200, np.int16)
    profile = {
        "driver": "GTiff",
        "width": SIDE,
        "height": SIDE,
        "count": 1,
        "crs": GRID.crs,
        "transform": GRID.transform,
    }
    with rasterio.open(tmp_path / "dtm.tif", "w", **profile, dtype="int16") as out:
        out.write(terrain * 50, 1)
        out.scales, out.offsets, out.units = [0.01], [100], ["metre"]
    control = write_points(tmp_path / "k.csv", truth + terrain)
    refer = References("elevation", "metre", "EPSG:5703", "EPSG:5703")
    source = write_map(tmp_path / "map.tif", 0.8 * truth + 1)
    _, out = correct(source, control, refer, terrain=tmp_path / "dtm.tif")
    np.testing.assert_allclose(read(out), truth, atol=1e-3)


def test_trees_need_samples_whose_surroundings_the_image_shows():
    rows, columns = some_pixels(60)
    here = heights()[rows, columns].astype(float)
    samples = Samples(here, 0.8 * here + 1, np.zeros(60, np.uint8), np.full((60, 3), np.nan), rows, columns)
    np.testing.assert_allclose(fit_boosted(samples).correct(samples), here, atol=1e-9)


def test_elevations_in_feet_correct_a_map_of_elevations(tmp_path):
    surface = heights() + 200
    source = write_map(tmp_path / "map.tif", surface - 1.5, "dsm")
    control = write_points(tmp_path / "k.csv", surface / 0.3048)
    report, out = correct(source, control, References("elevation", "foot", "EPSG:5703", "EPSG:5703"))
    assert report.chosen == "affine"
    np.testing.assert_allclose(read(out), surface, atol=1e-3)
