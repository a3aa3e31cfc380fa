"""Many images in one call: no seams, a result per image or per region, resumed with the same bytes, STAC items."""

import json
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import rasterio.shutil
from inference_cases import Convolutions, FirstBand, Stops, as_model, noise, windows, write_image
from rasterio.enums import ColorInterp

from img2height.errors import DataError, ModelError
from img2height.inference.defaults import protocol
from img2height.inference.image import predict_image
from img2height.inference.regions import find_regions
from img2height.inference.several import predict_images
from img2height.models.folder import LoadedModel
from img2height.vocabulary.layers import NODATA

TILE = 96
WEST, NORTH = 500_000.0, 5_800_000.0


def deliver(folder: Path, pixels: np.ndarray, overlap: int = 0) -> list[Path]:
    """Write an image as four tiles of 2 x 2, and another far away."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for row in (0, TILE):
        for column in (0, TILE):
            part = pixels[row : row + TILE + overlap, column : column + TILE + overlap]
            corner = WEST + column / 2, NORTH - row / 2
            files.append(write_image(folder / f"t_{row}_{column}.tif", part, corner=corner))
    return [*files, write_image(folder / "z.tif", noise(40, 50), corner=(WEST + 9000, NORTH))]


def predict(model: LoadedModel, files: list[Path], out: Path, *, mosaic: bool = False) -> list[Path]:
    return predict_images(model, {"eo": files}, out, windows(), mosaic=mosaic)


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as raster:
        return raster.read(1)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def whole(tmp_path: Path) -> np.ndarray:
    """Return the heights of the tiles as one raster."""
    pixels = noise(2 * TILE, 2 * TILE)
    image = write_image(tmp_path / "whole.tif", pixels)
    predict_image(as_model(Convolutions()), {"eo": image}, tmp_path / "h.tif", windows(), protocol().buildings)
    return read(tmp_path / "h.tif")


@pytest.mark.parametrize("overlap", [0, 20])
def test_no_seam_stands_between_files(tmp_path: Path, whole: np.ndarray, overlap: int) -> None:
    files = deliver(tmp_path / "tiles", noise(2 * TILE, 2 * TILE), overlap)
    written = predict(as_model(Convolutions()), files, tmp_path / "out")
    assert [path.name for path in written] == [file.name for file in files]
    for file, found in zip(files[:4], written, strict=False):
        row, column = (int(text) for text in file.stem.split("_")[1:])
        assert np.array_equal(read(found), whole[row : row + TILE + overlap, column : column + TILE + overlap])
        with rasterio.open(file) as image, rasterio.open(found) as heights:
            assert (image.transform, image.crs, image.shape) == (heights.transform, heights.crs, heights.shape)
            assert heights.tags()["IMG2HEIGHT_INPUTS"] == f"eo {file.name}"
            assert (heights.nodata, heights.units, heights.descriptions) == (NODATA, ("metre",), ("dsm",))
    assert read(written[4]).shape == (40, 50)
    names = {name for file in files for name in (file.name, f"{file.stem}.json")}
    assert set(content(tmp_path / "out")) == names | {"collection.json"}


def test_a_mosaic_is_one_raster_for_each_region(tmp_path: Path, whole: np.ndarray) -> None:
    files = deliver(tmp_path / "tiles", noise(2 * TILE, 2 * TILE))
    written = predict(as_model(Convolutions()), files[::-1], tmp_path / "out", mosaic=True)
    assert [path.name for path in written] == ["t_0_0.tif", "z.tif"]
    assert np.array_equal(read(written[0]), whole)


def test_a_killed_call_is_resumed_with_the_same_bytes(tmp_path: Path) -> None:
    files = deliver(tmp_path / "tiles", noise(2 * TILE, 2 * TILE))
    network = Stops()
    predict(as_model(network), files, tmp_path / "first")
    count = network.windows
    with pytest.raises(SystemExit):
        predict(as_model(Stops(count - 1)), files, tmp_path / "second")
    assert (tmp_path / "second/.img2height/heights/t_0_0.tif").exists()
    rest = Stops()
    predict(as_model(rest), files, tmp_path / "second")
    assert rest.windows < count / 2  # the first region was finished
    first, second = content(tmp_path / "first"), content(tmp_path / "second")
    assert first.pop("collection.json") != second.pop("collection.json")  # named after its folder
    assert first.keys() == second.keys()
    assert all(first[name] == second[name] for name in first if name.endswith(".tif"))
    predict(as_model(rest), files, tmp_path / "first")  # a second call replaces its own results
    with pytest.raises(DataError, match=r"exists and is not a height map"):
        (tmp_path / "third").mkdir()
        rasterio.shutil.copy(files[0], tmp_path / "third/z.tif", driver="GTiff")
        predict(as_model(rest), files, tmp_path / "third")


def test_the_folder_of_the_results_may_be_a_link(tmp_path: Path) -> None:
    files = deliver(tmp_path / "tiles", noise(2 * TILE, 2 * TILE))
    (tmp_path / "another/disk/results").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "another/disk/results")
    written = predict(as_model(FirstBand()), files, tmp_path / "link")
    assert all(np.array_equal(read(file), read(path)) for file, path in zip(files, written, strict=True))


def test_items_say_where_the_heights_lie(tmp_path: Path) -> None:
    files = deliver(tmp_path / "tiles", noise(2 * TILE, 2 * TILE))
    predict(as_model(FirstBand()), files, tmp_path / "out")
    item, collection = (json.loads((tmp_path / f"out/{name}.json").read_text()) for name in ("z", "collection"))
    properties, asset = item["properties"], item["assets"]["heights"]
    assert (properties["proj:code"], properties["proj:shape"]) == ("EPSG:32633", [40, 50])
    assert properties["proj:transform"] == [0.5, 0, WEST + 9000, 0, -0.5, NORTH]
    assert asset["file:size"] == (tmp_path / "out/z.tif").stat().st_size
    band = {"name": "dsm", "data_type": "float32", "nodata": NODATA, "unit": "metre", "raster:spatial_resolution": 0.5}
    assert asset["bands"] == [band]
    assert item["bbox"] == pytest.approx([15.1321, 52.3500, 15.1325, 52.3502], abs=1e-4)
    assert [link["href"] for link in collection["links"] if link["rel"] == "item"] == [
        "./t_0_0.json", "./t_0_96.json", "./t_96_0.json", "./t_96_96.json", "./z.json",
    ]  # fmt: skip
    predict(as_model(FirstBand()), files[4:], tmp_path / "one")
    assert set(content(tmp_path / "one")) == {"z.tif", "z.json"}
    assert json.loads((tmp_path / "one/z.json").read_text())["links"] == []


def test_the_collection_holds_the_items_of_earlier_calls(tmp_path: Path) -> None:
    files, out = deliver(tmp_path / "tiles", noise(2 * TILE, 2 * TILE)), tmp_path / "out"
    together = predict(as_model(FirstBand()), files, tmp_path / "together/out")
    for file in files[::-1]:
        predict(as_model(FirstBand()), [file], out)
    assert content(out) == content(together[0].parent)
    for raster in together[1:]:
        raster.unlink()
    predict(as_model(FirstBand()), files[:1], together[0].parent)
    assert not (together[0].parent / "collection.json").exists()


@pytest.mark.parametrize(
    ("image", "theirs"), [("collection.tif", None), ("a.tif", "a.json"), ("a.tif", "collection.json")]
)
def test_no_file_of_others_is_replaced_by_an_item(tmp_path: Path, image: str, theirs: str | None) -> None:
    (tmp_path / "out").mkdir()
    if theirs:
        (tmp_path / "out" / theirs).write_text('{"mine": 1}')
    files = [write_image(tmp_path / image, noise(40, 40))]
    with pytest.raises(DataError, match="rename the image" if theirs is None else "was not written by this program"):
        predict(as_model(FirstBand()), files, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.tif"))


def test_lattices_are_regions_of_their_own(tmp_path: Path) -> None:
    """Another system or size of pixels, or another phase, is no neighbour, even side by side."""
    given = [
        {}, {"corner": (WEST + 20, NORTH)}, {"corner": (WEST + 40.2, NORTH)},
        {"gsd": 0.25, "corner": (WEST, NORTH - 20)}, {"epsg": 32632},
        {"corner": (WEST, NORTH - 20.5)}, {"corner": (WEST, NORTH - 45)},
    ]  # fmt: skip
    files = [write_image(tmp_path / f"{n}.tif", noise(40, 40), **keys) for n, keys in enumerate(given)]
    found = find_regions(files)
    assert [[file.stem for file in region.files] for region in found] == [["0", "1", "5"], ["2"], ["3"], ["4"], ["6"]]


def test_any_corner_of_the_map_keeps_a_lattice_together(tmp_path: Path) -> None:
    """Offsets in pixels are 0.15 here, but for rounding."""
    corners = [(412345.03 + 12.8 * column, 5312344.97 - 12.8 * row) for row in range(3) for column in range(3)]
    files = [
        write_image(tmp_path / f"{n}.tif", noise(64, 64), gsd=0.2, corner=corner) for n, corner in enumerate(corners)
    ]
    (region,) = find_regions(files)
    assert region.files == files


@pytest.mark.parametrize(
    ("name", "keys", "message"),
    [
        ("b.tif", {"bands": ("blue",)}, "differ in bands, types or nodata: 1 of float32 .red; nodata None. and 1 of"),
        ("sub/a.tif", {}, r"the heights of both would have the name a\.tif"),
        ("b.tif", {"gsd": 5.0}, "its pixels are 5 x 5 m, but the model was trained at 0.5 m"),
    ],
)
def test_images_that_do_not_fit_are_found_before_anything_is_computed(
    tmp_path: Path, name: str, keys: dict, message: str
) -> None:
    files = [write_image(tmp_path / "a.tif", noise(40, 40))]
    (tmp_path / "sub").mkdir()
    files.append(write_image(tmp_path / name, noise(40, 40), **keys))
    network = FirstBand()
    with pytest.raises((DataError, ModelError), match=message):
        predict(as_model(network), files, tmp_path / "out")
    assert network.windows == 0
    assert not (tmp_path / "out").exists()


def test_a_mask_beside_nodata_also_counts_where_images_touch(tmp_path: Path) -> None:
    valid = np.ones((40, 40), bool)
    valid[:, :10] = False
    corners = [(WEST, NORTH), (WEST + 20, NORTH)]
    files = [
        write_image(tmp_path / f"{n}.tif", noise(40, 40), corner=corner, valid=valid, nodata=0)
        for n, corner in enumerate(corners)
    ]
    written = predict(as_model(FirstBand()), files, tmp_path / "out")
    assert all(np.array_equal(read(path) != NODATA, valid) for path in written)


@pytest.mark.parametrize("gsd", [0.5, 0.65])  # that of the training, and another
def test_an_image_without_valid_pixels_stops_nothing(gsd: float, tmp_path: Path) -> None:
    empty = write_image(tmp_path / "a.tif", noise(40, 40), valid=np.zeros((40, 40), bool), gsd=gsd)
    other = write_image(tmp_path / "b.tif", noise(40, 40), corner=(WEST + 500, NORTH), gsd=gsd)
    written = predict(as_model(FirstBand()), [empty, other], tmp_path / "out")
    assert (read(written[0]) == NODATA).all()
    assert (read(written[1]) != NODATA).all()


@pytest.mark.slow
def test_a_thousand_images_take_no_more_memory_than_one(tmp_path: Path) -> None:
    files = [
        write_image(
            tmp_path / f"{n}.tif", noise(32, 32), corner=(WEST + 20 * (n % 32) * (1 + n % 2), NORTH - 20 * (n // 32))
        )
        for n in range(1000)
    ]
    written = predict(as_model(FirstBand()), files, tmp_path / "out")
    assert len(written) == 1000
    assert all(np.array_equal(read(path), noise(32, 32)) for path in written[::97])


def test_a_building_on_several_images_is_one(tmp_path: Path) -> None:
    pixels = np.zeros((2 * TILE, 2 * TILE), np.float32)
    pixels[TILE - 20 : TILE + 20, TILE - 30 : TILE + 30] = 6  # on all four
    pixels[10:40, 10:40] = 9
    files = deliver(tmp_path / "tiles", pixels)[:4]
    far = np.zeros((60, 60), np.float32)
    far[20:45, 20:45] = 4
    files.append(write_image(tmp_path / "tiles/far.tif", far, corner=(WEST + 9000, NORTH)))
    model = as_model(FirstBand(), target="ndsm")
    predict_images(
        model, {"eo": files}, tmp_path / "out", windows(), buildings=tmp_path / "b.parquet", rules=protocol().buildings
    )
    found = geopandas.read_parquet(tmp_path / "b.parquet")
    assert sorted(found.height_m.round().tolist()) == [4, 6, 9]
    assert found.building_id.tolist() == [1, 2, 3]
    other = write_image(tmp_path / "tiles/other.tif", far, epsg=32632)
    with pytest.raises(DataError, match="different coordinate systems, and a file of buildings has one"):
        predict_images(model, {"eo": [*files, other]}, tmp_path / "two", windows(), buildings=tmp_path / "c.parquet")


RGB = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (RGB, RGB[::-1], r"differ in bands.*\(red, green, blue; .* and 3 of uint8 \(blue, green, red;"),
        ([*RGB, ColorInterp.alpha], [*RGB, ColorInterp.undefined], r"blue, alpha; .* and 4 of uint8 \(.* blue, \?;"),
    ],
)
def test_images_whose_colours_have_another_order_are_refused(
    tmp_path: Path, one: list[ColorInterp], other: list[ColorInterp], found: str
) -> None:
    files = []
    for number, colours in enumerate((one, other)):
        path = write_image(
            tmp_path / f"{number}.tif", np.ones((len(colours), 40, 40), np.uint8), bands=("",) * len(one)
        )
        files.append(path.with_suffix(".vrt"))
        with rasterio.open(path) as image:
            rasterio.shutil.copy(image, files[-1], driver="VRT")
        with rasterio.open(files[-1], "r+") as image:
            image.colorinterp = colours
    with pytest.raises(DataError, match=found):
        find_regions(files)
