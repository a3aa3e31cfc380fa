import hashlib
import re
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from pydantic import ValidationError
from rasterio.crs import CRS
from rasterio.warp import transform, transform_bounds
from raw_cases import NORTH, SIDE, UTM, WEST, band, deliver, prepare, prepare_file, ramp, write

from img2height.errors import DataError
from img2height.io.atomic import atomic_folder
from img2height.io.grid import Grid
from img2height.scenes.pairs import read_pairs
from img2height.scenes.scene import Scene
from img2height.settings.dataset import SceneFile
from img2height.vocabulary.layers import NODATA


@pytest.fixture
def layers(tmp_path: Path) -> dict:
    return deliver(tmp_path / "raw")


def refused(tmp_path: Path, layers: dict, *words: str, grid: dict | None = None) -> None:
    with pytest.raises(DataError) as caught:
        prepare(tmp_path, layers, grid)
    for word in words:
        assert word in str(caught.value)
    assert not (tmp_path / "scenes" / "d" / "s").exists()
    assert not list((tmp_path / "scenes").glob("**/*.tif")) if (tmp_path / "scenes").exists() else True


def test_layers_on_the_grid_of_the_image_are_copied_exactly(tmp_path, layers):
    scene = prepare(tmp_path, layers)
    assert (band(scene, "dsm") == ramp() + 5).all()
    assert np.allclose(band(scene, "ndsm"), 5)
    assert scene.layers["eo"].bands == ["red", "green", "blue"]
    assert scene.layers["ndsm"].unit == "metre"
    again = Scene.load(scene.folder / "scene.json")
    assert again == scene
    for layer in scene.layers.values():
        assert hashlib.sha256((scene.folder / layer.file).read_bytes()).hexdigest() == layer.sha256


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("gsd", [1.0, 2.0])
def test_image_pixels_with_the_nodata_value_are_missing_in_every_type(tmp_path, layers, dtype, gsd):
    image = np.full((3, SIDE, SIDE), 7, dtype)
    image[:, :, :16] = 0
    write(tmp_path / "raw/eo.tif", image, nodata=0, names=["red", "green", "blue"])
    valid = np.isfinite(band(prepare(tmp_path, layers, {"crs": UTM, "gsd_m": gsd}), "eo"))
    assert (valid == (np.arange(valid.shape[1]) >= 16 / gsd)).all()


def test_the_same_input_gives_the_same_bytes(tmp_path, layers):
    files = prepare(tmp_path, layers).folder.glob("*")
    first = {path.name: path.read_bytes() for path in files}
    assert {path.name: path.read_bytes() for path in prepare(tmp_path, layers).folder.glob("*")} == first


@pytest.mark.parametrize(("unit", "metres"), [("foot", 0.3048), ("us_survey_foot", 1200 / 3937), ("centimetre", 0.01)])
def test_units_become_metres_exactly(tmp_path, layers, unit, metres):
    for name, heights in (("dsm", ramp() + 5), ("dtm", ramp())):
        write(tmp_path / f"raw/{name}.tif", heights)
        layers[name]["unit"] = unit
    assert (band(prepare(tmp_path, layers), "dsm") == ((ramp() + 5) * np.float64(metres)).astype(np.float32)).all()


def test_the_unit_of_the_file_is_used(tmp_path, layers):
    for name, heights in (("dsm", ramp() + 5), ("dtm", ramp())):
        write(tmp_path / f"raw/{name}.tif", heights, unit="US survey foot")
    assert np.isclose(band(prepare(tmp_path, layers), "dsm")[0, 0], 105 * 1200 / 3937)


def test_missing_is_never_zero(tmp_path, layers):
    surface = ramp() + 5
    surface[3, 4], surface[5, 6], surface[7, 8] = NODATA, np.nan, np.inf
    write(tmp_path / "raw/dsm.tif", surface, unit="metre", nodata=NODATA)
    scene = prepare(tmp_path, layers)
    for layer in ("dsm", "ndsm"):
        assert np.argwhere(np.isnan(band(scene, layer))).tolist() == [[3, 4], [5, 6], [7, 8]]


def test_a_declared_nodata_overrides_that_of_the_file(tmp_path, layers):
    surface = ramp() + 5
    surface[0, 0] = 7777
    write(tmp_path / "raw/dsm.tif", surface, unit="metre", nodata=105)  # 105 m is a height here
    layers["dsm"]["nodata"] = 7777
    scene = prepare(tmp_path, layers)
    assert np.argwhere(np.isnan(band(scene, "dsm"))).tolist() == [[0, 0]]


def test_an_image_nodata_becomes_its_mask(tmp_path, layers):
    image = np.full((3, SIDE, SIDE), 9, np.uint8)
    image[:, :10], image[0, 20] = 0, 0
    write(tmp_path / "raw/eo.tif", image, names=["red", "green", "blue"])
    layers["eo"]["nodata"] = 0
    with rasterio.open(prepare(tmp_path, layers).path("eo")) as dataset:
        assert dataset.nodata is None
        assert (dataset.dataset_mask()[:10] == 0).all()
        assert (dataset.dataset_mask()[10:] == 255).all()


def test_a_mask_in_the_file_replaces_its_nodata(tmp_path, layers):
    image = np.full((3, SIDE, SIDE), 9, np.uint8)
    image[:, 3, 5] = 0  # black, and valid by the mask
    write(tmp_path / "raw/eo.tif", image, nodata=0, names=["red", "green", "blue"])
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(tmp_path / "raw/eo.tif", "r+") as file:
        file.write_mask(np.tile(np.arange(SIDE) < 60, (SIDE, 1)))
    found = band(prepare(tmp_path, layers), "eo")
    assert found[3, 5] == 0
    assert np.isnan(found).all(axis=0).tolist() == [False] * 60 + [True] * 4


def test_bands_have_their_own_nodata(tmp_path, layers):
    place = f"<SRS>{UTM}</SRS><GeoTransform>{WEST}, 1, 0, {NORTH}, 0, -1</GeoTransform>"
    bands = ""
    for number, missing in enumerate((0, 255, 1), 1):
        image = np.where(np.arange(SIDE) < 10, missing, np.full((SIDE, SIDE), 50 + number)).astype(np.uint8)
        write(tmp_path / f"raw/{number}.tif", image)
        bands += (
            f'<VRTRasterBand dataType="Byte" band="{number}"><NoDataValue>{missing}</NoDataValue><SimpleSource>'
            f'<SourceFilename relativeToVRT="1">{number}.tif</SourceFilename></SimpleSource></VRTRasterBand>'
        )
    text = f'<VRTDataset rasterXSize="{SIDE}" rasterYSize="{SIDE}">{place}{bands}</VRTDataset>'
    (tmp_path / "raw/eo.vrt").write_text(text)
    layers["eo"] = {"path": "eo.vrt", "bands": ["red", "green", "blue"]}
    assert np.isnan(band(prepare(tmp_path, layers), "eo")).all(axis=0).tolist() == [True] * 10 + [False] * 54


def test_pixels_that_a_layer_does_not_cover_are_missing(tmp_path, layers):
    write(tmp_path / "raw/dsm.tif", ramp()[:, :32] + 5, unit="metre")
    write(tmp_path / "raw/building.tif", np.ones((SIDE, 32), np.uint8))
    scene = prepare(tmp_path, layers)
    assert np.isfinite(band(scene, "dsm")[:, :32]).all()
    assert np.isnan(band(scene, "dsm")[:, 32:]).all()
    with rasterio.open(scene.path("building")) as dataset:
        assert (dataset.read(1)[:, 32:] == 255).all()


def test_a_shift_moves_a_layer_east_and_north(tmp_path, layers):
    layers["dsm"]["shift_m"] = [3, 2]
    moved = band(prepare(tmp_path, layers), "dsm")
    assert (moved[:-2, 3:] == (ramp() + 5)[2:, :-3]).all()
    assert np.isnan(moved[:, :3]).all()
    assert np.isnan(moved[-2:]).all()


def test_half_a_pixel_is_interpolated_between_valid_pixels(tmp_path, layers):
    layers["dsm"]["shift_m"] = [0.5, 0]
    moved = band(prepare(tmp_path, layers), "dsm")
    assert np.allclose(moved[:, 1:], (ramp() + 5)[:, 1:] - 0.5, atol=1e-4)


def test_a_finer_layer_is_averaged(tmp_path, layers):
    fine = np.kron(ramp() + 5, np.ones((4, 4), np.float32)) + np.tile([[-2, 2], [2, -2]], (128, 128)).astype(np.float32)
    write(tmp_path / "raw/dsm.tif", fine, gsd=0.25, unit="metre")
    assert np.allclose(band(prepare(tmp_path, layers), "dsm"), ramp() + 5, atol=1e-4)


def test_a_layer_in_another_crs_lands_within_half_a_pixel(tmp_path, layers):
    box = transform_bounds(UTM, "EPSG:32632", WEST - 20, NORTH - SIDE - 20, WEST + SIDE + 20, NORTH + 20)
    side = 400
    west, south, east, north = box
    pixel = Affine((east - west) / side, 0, west, 0, (south - north) / side, north)
    cols, rows = np.meshgrid(np.arange(side) + 0.5, np.arange(side) + 0.5)
    xs, ys = pixel @ (cols.ravel(), rows.ravel())
    east, north = (np.reshape(axis, (side, side)) for axis in transform("EPSG:32632", UTM, xs, ys))
    surface = (east - WEST) + 2 * (NORTH - north)  # a plane in the CRS of the image
    with rasterio.open(
        tmp_path / "raw/dsm.tif", "w", driver="GTiff", width=side, height=side, count=1, dtype="float32",
        crs="EPSG:32632", transform=pixel,
    ) as out:  # fmt: skip
        out.write(surface.astype(np.float32), 1)
    layers["dsm"]["unit"] = "metre"
    del layers["dtm"]
    found = band(prepare(tmp_path, layers), "dsm")
    rows, cols = np.mgrid[:SIDE, :SIDE] + 0.5
    assert np.abs(found - (cols + 2 * rows)).max() < 0.05


def test_a_target_grid_is_north_up_with_square_pixels_of_the_wanted_size(tmp_path, layers):
    scene = prepare(tmp_path, layers, {"crs": "EPSG:32632", "gsd_m": 2.0})
    assert scene.grid.crs.to_epsg() == 32632
    assert scene.grid.gsd_m == 2.0
    assert 0.3 < np.isfinite(band(scene, "ndsm")).mean() < 1
    assert np.nanmax(np.abs(band(scene, "ndsm") - 5)) < 1e-3


def test_polygons_are_reprojected_clipped_and_burnt(tmp_path, layers):
    del layers["building"]
    boxes = [
        shapely.box(WEST + 10, NORTH - 20, WEST + 20, NORTH - 10),
        shapely.box(WEST - 5, NORTH - 40, WEST + 5, NORTH - 30),
    ]
    frame = geopandas.GeoDataFrame({"rise": [12.0, 20.0]}, geometry=boxes, crs=UTM).to_crs(4326)
    frame.to_file(tmp_path / "raw/b.geojson", driver="GeoJSON")
    layers["building_polygons"] = {"path": "b.geojson", "height_column": "rise", "unit": "foot"}
    scene = prepare(tmp_path, layers)
    polygons = geopandas.read_parquet(scene.path("buildings"))
    assert polygons.crs.to_epsg() == 32633
    assert polygons["building_id"].tolist() == [1, 2]
    assert np.allclose(polygons["height_m"], [12 * 0.3048, 20 * 0.3048])
    assert np.allclose(polygons.area, [100, 50], rtol=1e-3)
    burnt = band(scene, "building")
    assert burnt[10:20, 10:20].all()
    assert burnt.sum() == 150
    assert not band(scene, "wall").any()


def test_rasters_and_polygons_are_transformed_alike_to_another_datum(tmp_path, layers):
    """pyproj's and GDAL's databases have different transformations here, 9 m apart: EPSG changed it in 2025."""
    for name in ("eo", "dsm", "dtm"):
        with rasterio.open(tmp_path / f"raw/{name}.tif", "r+") as raster:
            raster.crs, raster.transform = CRS.from_epsg(2216), Affine(1, 0, 500_000, 0, -1, 7_097_000)
    house = shapely.box(500_020, 7_096_960, 500_040, 7_096_980)
    surface = np.zeros((SIDE, SIDE), np.float32)
    surface[20:40, 20:40] = 10
    write(tmp_path / "raw/dsm.tif", ramp() + surface, crs="EPSG:2216", north=7_097_000.0, unit="metre")
    geopandas.GeoDataFrame({"building_id": [1]}, geometry=[house], crs=2216).to_file(tmp_path / "raw/b.gpkg")
    del layers["building"]
    scene = prepare(tmp_path, layers | {"building_polygons": {"path": "b.gpkg"}}, {"crs": "EPSG:3182", "gsd_m": 1.0})
    raised, burnt = band(scene, "ndsm") > 5, band(scene, "building") == 1
    assert burnt.sum() == pytest.approx(400, abs=10)
    assert (raised & burnt).sum() / (raised | burnt).sum() > 0.9


@pytest.mark.parametrize(
    "system",
    [
        UTM,
        "EPSG:25833+7837",
        "+proj=tmerc +lat_0=52 +lon_0=10 +k=0.9999 +x_0=500000 +y_0=5800000 +ellps=GRS80 +units=m",
        "+proj=tmerc +lat_0=0 +lon_0=9 +x_0=500000 +ellps=bessel +towgs84=598,74,418,0.2,0.05,-2.5,6.7 +units=m",
    ],
)
def test_the_manifest_keeps_the_coordinate_system(tmp_path, layers, system):
    for name in ("eo", "dsm", "dtm", "building"):
        with rasterio.open(tmp_path / f"raw/{name}.tif", "r+") as raster:
            raster.crs = CRS.from_user_input(system)
    scene = Scene.load(prepare(tmp_path, layers).folder / "scene.json")
    with rasterio.open(scene.path("ndsm")) as raster:
        assert Grid.of(raster) == scene.grid
        assert scene.grid.crs == CRS.from_user_input(system.split("+7837")[0])  # the part that places the pixels


def test_a_folder_is_replaced_as_a_whole(tmp_path, layers):
    folder = prepare(tmp_path, layers).folder
    (folder / "old.tif").touch()
    prepare(tmp_path, layers)
    assert not (folder / "old.tif").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["s"]


def test_an_interrupted_run_keeps_the_earlier_scene(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "before").touch()
    with pytest.raises(KeyboardInterrupt), atomic_folder(tmp_path / "s") as folder:
        (folder / "half").touch()
        raise KeyboardInterrupt
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.glob("**/*")] == ["s", "s/before"]


def test_heights_without_a_unit_are_refused(tmp_path, layers):
    write(tmp_path / "raw/dsm.tif", ramp())
    refused(tmp_path, layers, "dsm has no unit", "unit: metre")


def test_a_unit_in_words_of_its_own_is_declared(tmp_path, layers):
    write(tmp_path / "raw/dsm.tif", ramp() + 5, unit="m a.s.l.")
    refused(tmp_path, layers, "the unit 'm a.s.l.', which is not supported; declare one of metre")
    layers["dsm"]["unit"] = "metre"
    assert np.allclose(band(prepare(tmp_path, layers), "ndsm"), 5)


def test_a_declared_unit_does_not_contradict_the_vertical_system(tmp_path, layers):
    write(tmp_path / "raw/dsm.tif", ramp() + 5, unit="height", crs="EPSG:32633+6360")  # NAVD88 in US survey feet
    layers["dsm"]["unit"] = "metre"
    refused(tmp_path, layers, "is declared in metre, but the file states us_survey_foot")


def test_an_undeclared_nodata_is_named(tmp_path, layers):
    surface = ramp()
    surface[:5] = -32768
    write(tmp_path / "raw/dsm.tif", surface, unit="metre")
    refused(tmp_path, layers, "-32768, 320 times", "nodata: -32768")


def test_a_missing_layer_is_found_before_anything_is_written(tmp_path, layers):
    (tmp_path / "raw/building.tif").unlink()
    refused(tmp_path, layers, "building.tif", "does not exist")
    assert not (tmp_path / "scenes").exists()


def test_a_raster_without_crs_is_refused(tmp_path, layers):
    write(tmp_path / "raw/dtm.tif", ramp(), crs=None, unit="metre")
    refused(tmp_path, layers, "dtm.tif", "no coordinate reference system")


def test_a_truncated_raster_is_refused(tmp_path, layers):
    whole = (tmp_path / "raw/dtm.tif").read_bytes()
    (tmp_path / "raw/dtm.tif").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path, layers, "dtm.tif", "copy it again")


def test_degrees_are_refused_with_the_utm_zone(tmp_path, layers):
    write(tmp_path / "raw/eo.tif", np.ones((3, 64, 64), np.uint8), crs="EPSG:4326", west=15.0, north=52.35, gsd=1e-5)
    layers["eo"]["bands"] = ["red", "green", "blue"]
    refused(tmp_path, layers, "degree", "EPSG:32633")


def test_feet_on_the_ground_are_refused(tmp_path, layers):
    refused(tmp_path, layers, "foot", "EPSG:326", grid={"crs": "EPSG:2246"})


@pytest.mark.parametrize("bands", [None, ["red", "green"]])
def test_bands_without_names_are_refused(tmp_path, layers, bands):
    write(tmp_path / "raw/eo.tif", np.ones((3, 64, 64), np.uint16))
    layers["eo"]["bands"] = bands
    refused(tmp_path, layers, "3 bands", "bands: [red, green, blue]")


def test_a_reference_elsewhere_is_refused(tmp_path, layers):
    write(tmp_path / "raw/dsm.tif", ramp(), unit="metre", west=WEST + 5000)
    refused(tmp_path, layers, "dsm", "do not overlap")


def test_a_reference_without_a_valid_pixel_is_refused(tmp_path, layers):
    write(tmp_path / "raw/dsm.tif", np.full((SIDE, SIDE), NODATA, np.float32), unit="metre", nodata=NODATA)
    refused(tmp_path, layers, "dsm", "no valid pixel")


def test_a_mask_whose_background_is_nodata_is_refused(tmp_path, layers):
    write(tmp_path / "raw/building.tif", np.ones((SIDE, SIDE), np.uint8), nodata=0)
    refused(tmp_path, layers, "building", "marks 0 as nodata", "255")
    layers["building"]["nodata"] = 255
    assert band(prepare(tmp_path, layers), "building").all()


def test_a_mask_of_several_values_is_refused_until_one_is_declared_missing(tmp_path, layers):
    marks = np.zeros((SIDE, SIDE), np.uint8)
    marks[:10], marks[50:] = 1, 255
    write(tmp_path / "raw/building.tif", marks)
    refused(tmp_path, layers, "building", "several values, 1, 255", "nodata: 255")
    layers["building"]["nodata"] = 255
    found = band(prepare(tmp_path, layers), "building")
    assert np.nansum(found) == 10 * SIDE
    assert np.isnan(found[50:]).all()


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (geopandas.GeoDataFrame({"h": [1]}, geometry=[shapely.box(0, 0, 1, 1)], crs=UTM), "no building footprint"),
        (geopandas.GeoDataFrame({"h": [1]}, geometry=[shapely.Point(WEST, NORTH)], crs=UTM), "found also Point"),
    ],
)
def test_polygons_that_cannot_be_used_are_refused(tmp_path, layers, frame, words):
    frame.to_file(tmp_path / "raw/b.geojson", driver="GeoJSON")
    refused(tmp_path, {**layers, "building_polygons": {"path": "b.geojson"}}, words)


def test_a_missing_height_column_is_named(tmp_path, layers):
    inside = shapely.box(WEST + 10, NORTH - 20, WEST + 20, NORTH - 10)
    geopandas.GeoDataFrame({"rise": [1.0]}, geometry=[inside], crs=UTM).to_file(tmp_path / "raw/b.gpkg")
    declared = {"path": "b.gpkg", "height_column": "hight", "unit": "metre"}
    refused(tmp_path, {**layers, "building_polygons": declared}, "'hight'", "it has: rise")
    declared = {"path": "b.gpkg", "height_column": "rise"}
    refused(tmp_path, {**layers, "building_polygons": declared}, "unit of the column 'rise'")


def test_messages_name_the_file(tmp_path, layers):
    write(tmp_path / "raw/dsm.tif", ramp())
    with pytest.raises(DataError, match=re.escape(str(tmp_path / "raw" / "dsm.tif"))):
        prepare(tmp_path, layers)


def test_an_image_with_oblong_pixels_from_south_to_north_gets_square_ones_north_up(tmp_path, layers):
    image = np.arange(SIDE * SIDE // 2).reshape(1, SIDE, SIDE // 2) % 200
    oblong = Affine(2, 0, WEST, 0, 1, NORTH - SIDE)
    with rasterio.open(
        tmp_path / "raw/eo.tif", "w", driver="GTiff", width=SIDE // 2, height=SIDE, count=1, dtype="uint8", crs=UTM,
        transform=oblong,
    ) as out:  # fmt: skip
        out.write(image.astype(np.uint8))
    layers["eo"]["bands"] = ["pan"]
    scene = prepare(tmp_path, layers, {"gsd_m": 1.0})
    assert scene.grid.bounds == (WEST, NORTH - SIDE, WEST + SIDE, NORTH)
    assert scene.grid.transform.e == -1
    assert (band(scene, "dsm") == ramp() + 5).all()
    assert abs(band(scene, "eo")[0, 1] - image[0, -1, 0]) < 2


def radar(tmp_path: Path, values: np.ndarray, backscatter: str | None) -> dict:
    write(tmp_path / "raw/sar.tif", values.astype(np.float32), nodata=np.nan, names=["HH", "HV", "VH", "VV"])
    return {"path": "sar.tif", "look_azimuth_deg": 180.0} | ({"backscatter": backscatter} if backscatter else {})


@pytest.mark.parametrize(
    ("backscatter", "values"), [("decibel", [-20, 10]), ("intensity", [0.01, 10]), ("amplitude", [0.1, 10**0.5])]
)
def test_radar_is_averaged_as_intensity_and_written_in_decibel(tmp_path, layers, backscatter, values):
    image = np.tile(np.array(values)[np.indices((SIDE, SIDE)).sum(0) % 2], (4, 1, 1))  # a chess board
    scene = prepare(tmp_path, {**layers, "sar": radar(tmp_path, image, backscatter)}, {"crs": UTM, "gsd_m": 2.0})
    assert scene.layers["sar"].bands == ["hh", "hv", "vh", "vv"]
    assert scene.layers["sar"].unit == "dB"
    assert scene.layers["sar"].look_azimuth_deg == 180
    assert np.allclose(band(scene, "sar"), 10 * np.log10((0.01 + 10) / 2), atol=1e-4)


def test_the_edge_of_a_radar_strip_is_missing(tmp_path, layers):
    image = np.full((4, SIDE, SIDE), -12.0)
    image[:, :, :5], image[1, 3, 9] = np.nan, np.nan
    values = band(prepare(tmp_path, {**layers, "sar": radar(tmp_path, image, "decibel")}), "sar")
    missing = np.broadcast_to(np.arange(SIDE) < 5, (SIDE, SIDE)).copy()
    missing[3, 9] = True
    assert (np.isnan(values) == missing).all()
    assert np.allclose(values[~missing], -12, atol=1e-5)


def test_radar_without_a_scale_is_refused(tmp_path, layers):
    refused(tmp_path, {**layers, "sar": radar(tmp_path, np.zeros((4, SIDE, SIDE)), None)}, "backscatter: decibel")


def holed(tmp_path: Path) -> np.ndarray:
    surface = ramp() + 5
    surface[20:26, 30:37] = np.nan
    write(tmp_path / "raw/dsm_initial.tif", np.nan_to_num(surface, nan=-9999), unit="metre", nodata=-9999)
    return surface


def test_holes_of_the_initial_surface_are_filled_and_marked(tmp_path, layers):
    surface = holed(tmp_path)
    scene = prepare(tmp_path, {"dsm_initial": {"path": "dsm_initial.tif"}, "dsm": layers["dsm"]})
    filled, marks, hole = band(scene, "dsm_initial"), band(scene, "dsm_filled"), np.isnan(surface)
    assert (filled[~hole] == surface[~hole]).all()
    assert np.isfinite(filled).all()
    assert (marks == hole).all()
    assert scene.layers["dsm_initial"].bands == ["dsm"]
    assert scene.picture == "dsm_initial"


def test_a_delivered_mask_of_filled_pixels_is_kept(tmp_path, layers):
    write(tmp_path / "raw/dsm_initial.tif", ramp(), unit="metre", nodata=-9999)
    write(tmp_path / "raw/filled.tif", (ramp() > 150).astype(np.uint8))
    added = {"dsm_initial": {"path": "dsm_initial.tif"}, "dsm_filled": {"path": "filled.tif"}}
    assert (band(prepare(tmp_path, {**layers, **added}), "dsm_filled") == (ramp() > 150)).all()


def test_views_are_numbered_and_their_pairs_are_listed(tmp_path, layers):
    rng = np.random.default_rng(1)
    for number in (1, 2, 3):
        write(tmp_path / f"raw/v{number}.tif", rng.integers(1, 2000, (SIDE, SIDE), dtype=np.uint16))
    file = {"layers": {**layers, "views": [{"path": f"v{n}.tif"} for n in (1, 2, 3)]},
            "pairs": [{"first": 1, "second": 2}, {"first": 1, "second": 3, "use": ["train"]}]}  # fmt: skip
    scene = prepare_file(tmp_path, file)
    assert scene.layers["view_3"].bands == ["pan"]
    assert read_pairs(scene, "train", ["first", "second"]).to_numpy().tolist() == [[1, 1, 2], [2, 1, 3]]
    assert read_pairs(scene, "test", ["first", "second"]).to_numpy().tolist() == [[1, 1, 2]]
    assert read_pairs(scene, "train", ["first"]).to_numpy().tolist() == [[1, 1]]
    with pytest.raises(ValidationError, match="not two of the 3 views"):
        SceneFile.model_validate({**file, "pairs": [{"first": 1, "second": 4}]})


def test_a_scene_without_pairs_is_used_view_by_view(tmp_path, layers):
    write(tmp_path / "raw/v1.tif", np.arange(1, SIDE**2 + 1, dtype=np.uint16).reshape(SIDE, SIDE))
    scene = prepare(tmp_path, {**layers, "views": [{"path": "v1.tif"}]})
    assert read_pairs(scene, "test", ["first"]).to_numpy().tolist() == [[1, 1]]
    with pytest.raises(DataError, match="no pair of views is for test"):
        read_pairs(scene, "test", ["first", "second"])


def test_a_pixel_that_is_missing_in_one_band_is_missing(tmp_path, layers):
    """As in prediction: a value that no colour can have is not valid in any band."""
    image = np.full((2, SIDE, SIDE), 0.5, np.float32)
    image[1, 3, 5] = NODATA
    write(tmp_path / "raw/ms.tif", image, nodata=NODATA, names=["red", "nir"])
    scene = prepare(tmp_path, {**layers, "ms": {"path": "ms.tif"}})
    assert np.argwhere(np.isnan(band(scene, "ms"))).tolist() == [[3, 5]]
