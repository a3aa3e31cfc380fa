"""Metadata about the values of a delivered raster is applied, or refused in one line."""

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from raw_cases import NORTH, SIDE, UTM, WEST, band, deliver, prepare, prepare_file, ramp, write

from img2height.errors import DataError
from img2height.inference.given import given_scene
from img2height.io.grid import Grid


@pytest.fixture
def layers(tmp_path):
    return deliver(tmp_path / "raw")


def write_as(path, stored, *, scale=1.0, offset=0.0, crs=UTM, nodata=None, **options):
    """Write a raster whose stored numbers become values by a scale and an offset."""
    stack = stored[None] if stored.ndim == 2 else stored
    transform = rasterio.Affine(1, 0, WEST, 0, -1, NORTH)
    with rasterio.open(
        path, "w", driver="GTiff", width=SIDE, height=SIDE, count=len(stack), dtype=stack.dtype, crs=crs,
        transform=transform, nodata=nodata, **options,
    ) as out:  # fmt: skip
        out.scales, out.offsets = [scale] * len(stack), [offset] * len(stack)
        out.write(stack)


@pytest.mark.parametrize(("scale", "offset"), [(0.1, 100.0), (0.01, 0.0), (1.0, 50.0)])
def test_heights_are_scaled(tmp_path, layers, scale, offset):
    stored = np.rint((ramp() + 5 - offset) / scale).astype(np.int32)
    write_as(tmp_path / "raw/dsm.tif", stored, scale=scale, offset=offset)
    layers["dsm"]["unit"] = "metre"
    scene = prepare(tmp_path, layers)
    assert np.allclose(band(scene, "dsm"), stored * scale + offset, atol=1e-5)
    assert scene.layers["dsm"].applied == {"scales": [scale], "offsets": [offset]}
    assert scene.layers["dtm"].applied == {}


def test_the_nodata_of_a_scaled_layer_is_a_stored_number(tmp_path, layers):
    stored = np.rint((ramp() + 5) * 10).astype(np.int16)
    stored[3, 4] = -9999
    write_as(tmp_path / "raw/dsm.tif", stored, scale=0.1, nodata=-9999)
    layers["dsm"]["unit"] = "metre"
    found = band(prepare(tmp_path, layers), "dsm")
    assert np.isnan(found[3, 4]) and np.isfinite(found).sum() == SIDE * SIDE - 1


def test_images_are_scaled_too(tmp_path, layers):
    stored = np.random.default_rng(0).integers(1, 10_000, (3, SIDE, SIDE), np.uint16)
    write_as(tmp_path / "raw/eo.tif", stored, scale=1e-4, offset=-0.1)
    layers["eo"]["bands"] = ["red", "green", "blue"]
    with rasterio.open(prepare(tmp_path, layers).path("eo")) as image:
        assert image.dtypes == ("float32",) * 3
        assert np.allclose(image.read(), stored * 1e-4 - 0.1, atol=1e-6)


def test_alpha_between_the_bands_is_not_an_image_band(tmp_path, layers):
    stored = np.stack([np.full((SIDE, SIDE), value, np.uint8) for value in (10, 20, 30, 255, 66)])
    stored[3, 5] = 0
    write_as(tmp_path / "raw/eo.tif", stored, photometric="RGB")
    with rasterio.open(tmp_path / "raw/eo.tif", "r+") as image:
        colours = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha, ColorInterp.nir]
        image.colorinterp = colours
    scene = prepare(tmp_path, layers)
    assert scene.layers["eo"].bands == ["red", "green", "blue", "nir"]
    with rasterio.open(scene.path("eo")) as image:
        assert image.read()[:, 9, 9].tolist() == [10, 20, 30, 66]
        assert (image.dataset_mask() == 0).sum() == SIDE


@pytest.mark.parametrize(("system", "metres"), [("EPSG:32633+6360", 1200 / 3937), ("EPSG:32633+5703", 1.0)])
def test_the_vertical_system_states_the_unit(tmp_path, layers, system, metres):
    for name, heights in (("dsm", ramp() + 5), ("dtm", ramp())):
        write(tmp_path / f"raw/{name}.tif", heights, crs=system)
    scene = prepare(tmp_path, layers)
    assert np.allclose(band(scene, "dsm"), (ramp() + 5) * metres, atol=1e-4)
    assert scene.grid.crs.to_epsg() == 32633
    assert scene.layers["dsm"].applied["vertical"].startswith("NAVD88 height")
    assert scene.layers["dsm"].applied.get("metres_per_unit", 1) == metres
    with rasterio.open(scene.path("dsm")) as raster:
        assert raster.units == ("metre",)
        assert raster.crs.to_epsg() == 32633  # no vertical part whose unit would not fit


def test_depths_are_not_heights(tmp_path, layers):
    write(tmp_path / "raw/dsm.tif", ramp(), crs="EPSG:32633+5715")
    with pytest.raises(DataError, match="MSL depth counts downwards"):
        prepare(tmp_path, layers)


def test_different_vertical_systems_are_refused_unless_allowed(tmp_path, layers):
    write(tmp_path / "raw/dsm.tif", ramp() + 5, crs="EPSG:32633+5783")
    write(tmp_path / "raw/dtm.tif", ramp(), crs="EPSG:32633+7837")
    with pytest.raises(DataError, match=r"dsm DHHN92 height, dtm DHHN2016 height"):
        prepare(tmp_path, layers)
    scene = prepare_file(tmp_path, {"layers": layers, "allow": ["vertical_reference"]})
    assert np.allclose(band(scene, "ndsm"), 5, atol=1e-4)


def test_a_ground_far_from_zero_stops_unless_allowed(tmp_path, layers):
    write(tmp_path / "raw/dsm.tif", ramp() + 5 + 47, unit="metre")
    with pytest.raises(DataError, match=r"ground of dsm - dtm lies at \+52\.0 m"):
        prepare(tmp_path, layers)
    scene = prepare_file(tmp_path, {"layers": layers, "allow": ["ground_level"]})
    assert np.allclose(band(scene, "ndsm"), 52, atol=1e-4)
    write(tmp_path / "raw/dsm.tif", ramp() - 34, unit="metre")  # clipped at 0 m it would pass for flat ground
    with pytest.raises(DataError, match=r"lies at -34\.0 m"):
        prepare(tmp_path, layers)


def test_terrain_that_was_cut_out_under_buildings_is_filled_and_marked(tmp_path, layers):
    houses, terrain = np.zeros((SIDE, SIDE), bool), ramp() * np.float32(0.1)
    houses[10:20, 10:20] = houses[40:55, 30:45] = True
    write(tmp_path / "raw/dtm.tif", np.where(houses, np.float32(-9999), terrain), unit="metre", nodata=-9999)
    write(tmp_path / "raw/dsm.tif", terrain + np.where(houses, np.float32(8), np.float32(0)), unit="metre")
    scene = prepare(tmp_path, layers)
    assert np.abs(band(scene, "ndsm")[houses] - 8).max() < 1
    assert (band(scene, "dtm_filled") == houses).all()


def test_a_partial_delivery_stays_partial(tmp_path, layers):
    surface = ramp()
    surface[:, 20:] = -9999
    write(tmp_path / "raw/dsm_initial.tif", surface, unit="metre", nodata=-9999)
    found = band(prepare(tmp_path, {**layers, "dsm_initial": {"path": "dsm_initial.tif"}}), "dsm_initial")
    assert np.isfinite(found[:, :20]).all()
    assert np.isnan(found[:, 28:]).all()


@pytest.mark.parametrize("grid", [None, {"crs": "EPSG:32633", "gsd_m": 1.0}])
def test_a_map_that_stretches_lengths_is_refused_with_the_zone_that_fits(tmp_path, layers, grid):
    for name, heights in (("dsm", ramp() + 5), ("dtm", ramp())):
        write(tmp_path / f"raw/{name}.tif", heights, crs="EPSG:3857", west=1_500_000, north=6_800_000, unit="metre")
    stack = np.random.default_rng(0).integers(1, 255, (3, SIDE, SIDE), np.uint8)
    write(tmp_path / "raw/eo.tif", stack, crs="EPSG:3857", west=1_500_000, north=6_800_000)
    del layers["building"]
    if grid is None:
        with pytest.raises(DataError, match=r"a metre on the ground is 1\.6\d\d m on the map .* EPSG:32633"):
            prepare(tmp_path, layers)
    else:
        scene = prepare(tmp_path, layers, grid)
        assert scene.grid.width == pytest.approx(SIDE / 1.624, abs=2)


def test_the_grid_of_a_compound_system_is_that_of_its_horizontal_part(tmp_path):
    write(tmp_path / "a.tif", ramp(), crs="EPSG:25833+7837")
    write(tmp_path / "b.tif", ramp(), crs="EPSG:25833")
    with rasterio.open(tmp_path / "a.tif") as one, rasterio.open(tmp_path / "b.tif") as two:
        assert Grid.of(one).matches(Grid.of(two))


@pytest.mark.parametrize("name", ["eo", "dsm"])
def test_a_local_system_is_refused_in_one_line(tmp_path, layers, name):
    with rasterio.open(tmp_path / f"raw/{name}.tif", "r+") as raster:
        raster.crs = rasterio.CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]')
    with pytest.raises(DataError, match=rf"{name}\.tif, layer {name}: .*local") as refused:
        prepare(tmp_path, layers)
    assert "\n" not in str(refused.value)


PARTS = {  # what the second part of a mosaic says otherwise: words of the error
    "scale": ({"scale": 0.1}, r"differ in scale \(1 and 0\.1\)"),
    "offset": ({"offset": 100.0}, "differ in offset"),
    "vertical system": ({"crs": "EPSG:32633+5773"}, "differ in vertical system"),
    "unit": ({"unit": "foot"}, r"differ in unit \(metre and foot\)"),
}


def mosaic_of_two(folder, **second):
    """Write a mosaic of a left and a right half, in the way of gdalbuildvrt, and return its path."""
    paths = [folder / "left.tif", folder / "right.tif"]
    unit = second.pop("unit", "metre")
    write_as(paths[0], ramp() + 5, crs="EPSG:32633+7837")
    write_as(paths[1], ramp() + 5, **{"crs": "EPSG:32633+7837", **second})
    for path, name in zip(paths, ("metre", unit), strict=True):
        with rasterio.open(path, "r+") as out:
            out.units = [name]
    (folder / "dsm.vrt").unlink(missing_ok=True)  # GDAL deletes the parts of a mosaic that it writes again
    rasterio.shutil.copy(paths[0], folder / "dsm.vrt", driver="VRT", strict=False)
    text = (folder / "dsm.vrt").read_text()
    source = text[text.index("<SimpleSource") : text.index("</SimpleSource>") + len("</SimpleSource>")]
    right = source.replace("left.tif", "right.tif").replace('xOff="0"', f'xOff="{SIDE // 2}"')
    right = right.replace(f'xSize="{SIDE}"', f'xSize="{SIDE // 2}"')
    (folder / "dsm.vrt").write_text(text.replace(source, source + right))
    return folder / "dsm.vrt"


@pytest.mark.parametrize(("second", "words"), PARTS.values(), ids=PARTS)
def test_mosaics_of_unlike_parts_are_refused(tmp_path, layers, second, words):
    path = mosaic_of_two(tmp_path / "raw", **second)
    layers["dsm"] |= {"path": "dsm.vrt", "unit": "metre"}
    with pytest.raises(DataError, match=words):
        prepare(tmp_path, layers)
    with pytest.raises(DataError, match=words):
        given_scene({"dsm_initial": ["dsm_initial"]}, {"dsm_initial": path}, "metre")


def test_mosaics_of_like_parts_and_such_that_convert_their_parts_are_taken(tmp_path, layers):
    path = mosaic_of_two(tmp_path / "raw")
    layers["dsm"] |= {"path": "dsm.vrt", "unit": "metre"}
    assert np.allclose(band(prepare(tmp_path, layers), "dsm"), ramp() + 5)
    path = mosaic_of_two(tmp_path / "raw", offset=1.0)
    converted = "</SourceFilename><ScaleOffset>1</ScaleOffset><ScaleRatio>1</ScaleRatio>"
    left, right = path.read_text().replace("SimpleSource", "ComplexSource").rsplit("</SourceFilename>", 1)
    path.write_text(left + converted + right)
    found = band(prepare(tmp_path, layers), "dsm")
    assert np.allclose(found[:, SIDE // 2 :], ramp()[:, SIDE // 2 :] + 6)


@pytest.mark.parametrize("bands", [1, 3])
def test_masks_are_made_from_maps_of_classes_or_colours(tmp_path, layers, bands):
    drawn = np.full((bands, SIDE, SIDE), 3, np.uint8)
    drawn[-1, :9] = 10
    drawn[-1, 9] = 77
    write(tmp_path / "raw/building.tif", drawn)
    classes = [10, 11] if bands == 1 else [[3, 3, 10], [1, 1, 1]]
    mask = band(prepare(tmp_path, layers | {"building": {"path": "building.tif", "classes": classes}}), "building")
    assert (mask == (np.arange(SIDE) < 9)[:, None]).all()
    with pytest.raises(DataError, match="3, 10, 77" if bands == 1 else "has 3 bands instead of one"):
        prepare(tmp_path, layers)


def test_colours_need_three_bands(tmp_path, layers):
    with pytest.raises(DataError, match="layer building declares colours as classes, but has 1 bands"):
        prepare(tmp_path, layers | {"building": {"path": "building.tif", "classes": [[0, 0, 255]]}})


def test_values_beyond_the_declared_range_are_missing(tmp_path, layers):
    surface = ramp() + 5
    surface[0, 0], surface[0, 1], surface[0, 2] = 3.4028235e38, -500, 1e6
    write(tmp_path / "raw/dsm.tif", surface, unit="metre")
    with pytest.raises(DataError, match="declare nodata"):
        prepare(tmp_path, layers)
    layers["dsm"]["valid_range"] = [0, 400]
    found = band(prepare(tmp_path, layers), "dsm")
    assert np.isnan(found[0, :3]).all()
    assert np.isfinite(found).sum() == SIDE * SIDE - 3


def test_the_cell_rule_of_heights_is_recorded(tmp_path, layers):
    layers["dsm"]["cell"] = "max"
    assert prepare(tmp_path, layers).layers["dsm"].applied == {"cell": "max"}
