"""Band names stated in an image are used, in any form; the order of the file is the last resort."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp
from rasterio.io import MemoryFile

from img2height.errors import DataError
from img2height.io.bands import declared_bands, named_bands, stated_bands

RGB = ["red", "green", "blue"]


def opened(memory, count, *, descriptions=None, colours=None, wavelengths=None):
    """Return an open image with statements about its bands."""
    with memory.open(
        driver="GTiff", width=4, height=4, count=count, dtype="uint8", crs="EPSG:32633",
        transform=Affine(1, 0, 5e5, 0, -1, 5.8e6), photometric="MINISBLACK",
    ) as out:  # fmt: skip
        if colours:
            out.colorinterp = colours
        for band, text in enumerate(descriptions or [], 1):
            if text:
                out.set_band_description(band, text)
        for band, value in enumerate(wavelengths or [], 1):
            out.update_tags(band, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=value)
        out.write(np.ones((count, 4, 4), np.uint8))
    return memory.open()


@pytest.mark.parametrize(
    "descriptions",
    [
        ["red", "green", "blue"], ["Red", "Green", "Blue"], ["R", "G", "B"], ["Rot", "Grün", "Blau"],
        ["Rouge", "Vert", "Bleu"], ["B04", "B03", "B02"], ["Band 1 (Red)", "Band 2 (Green)", "Band 3 (Blue)"],
        ["red band", "green_band", "blue-band"], ["B04 - Red", "B03 - Green", "B02 - Blue"],
    ],
)  # fmt: skip
def test_descriptions_in_their_usual_forms(descriptions):
    with MemoryFile() as memory, opened(memory, 3, descriptions=descriptions) as image:
        assert stated_bands(image) == RGB


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Near Infrared", "nir"), ("NIR", "nir"), ("near-infrared", "nir"), ("Nahes Infrarot", "nir"), ("B8A", "nir08"),
        ("Red Edge 1", "re1"), ("rededge2", "re2"), ("B12", "swir22"), ("swir16", "swir16"), ("vapour", "vapour"),
        ("Temperature", "temperature"), ("HH", "hh"), ("red/nir ratio", "red/nir_ratio"),
    ],
)  # fmt: skip
def test_one_description(text, name):
    with MemoryFile() as memory, opened(memory, 1, descriptions=[text]) as image:
        assert stated_bands(image) == [name]


def test_colours_count_where_nothing_is_described():
    colours = [ColorInterp.blue, ColorInterp.green, ColorInterp.red]
    with MemoryFile() as memory, opened(memory, 3, colours=colours) as image:
        assert stated_bands(image) == RGB[::-1]
        assert named_bands(image, RGB) == RGB[::-1]
    colours = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]  # what GDAL writes by default
    with MemoryFile() as memory, opened(memory, 3, colours=colours, descriptions=["B02", "B03", "B04"]) as image:
        assert stated_bands(image) == RGB[::-1]


def test_alpha_is_not_an_image_band_at_any_position():
    colours = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha, ColorInterp.nir]
    with MemoryFile() as memory, opened(memory, 5, colours=colours) as image:
        assert named_bands(image, [*RGB, "nir"]) == [*RGB, "alpha", "nir"]
    colours[-1] = ColorInterp.undefined
    with MemoryFile() as memory, opened(memory, 5, colours=colours) as image:
        assert named_bands(image, [*RGB, "nir"]) == [*RGB, "alpha", "nir"]


def test_wavelengths_count_where_nothing_is_described():
    with MemoryFile() as memory, opened(memory, 4, wavelengths=["0.490", "0.560", "0.665", "0.842"]) as image:
        assert stated_bands(image) == ["blue", "green", "red", "nir"]


COLOURS = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]


@pytest.mark.parametrize(
    ("declared", "stated", "found"),
    [
        (["nir", "red", "green"], {}, ["nir", "red", "green"]),
        (["nir", "red", "green"], {"colours": COLOURS}, ["nir", "red", "green"]),  # the default states nothing
        (["nir", "red", "green"], {"descriptions": ["NIR", "", "Grün"]}, ["nir", "red", "green"]),
        (["nir", "red", "green"], {"descriptions": ["tile 1", "tile 2", "tile 3"]}, ["nir", "red", "green"]),
        (RGB, {"colours": COLOURS[::-1]}, RGB[::-1]),
        (RGB, {"descriptions": ["NIR", "Red", "Green"]}, ["nir", "red", "green"]),
        (["hh", "vv"], {"descriptions": ["VV", "HH"]}, ["vv", "hh"]),
        ([*RGB, "nir"], {"colours": [*COLOURS, ColorInterp.alpha]}, [*RGB, "nir"]),
        (RGB, {"colours": [ColorInterp.alpha, *COLOURS[::-1]]}, ["alpha", *RGB[::-1]]),
        (RGB, {"colours": [*COLOURS, ColorInterp.alpha]}, [*RGB, "alpha"]),
        ([], {"descriptions": ["tile 1", "Red"]}, ["tile_1", "red"]),
    ],
)
def test_bands_that_state_nothing_are_what_was_declared(declared, stated, found):
    with MemoryFile() as memory, opened(memory, len(found), **stated) as image:
        assert declared_bands(image, declared) == found


def test_the_order_of_the_file_is_the_last_resort_and_logged(caplog):
    colours = [ColorInterp.gray, ColorInterp.undefined, ColorInterp.undefined]
    with MemoryFile() as memory, opened(memory, 3, colours=colours) as image:
        assert named_bands(image, RGB) == RGB
    assert "does not state what its bands are; using red, green, blue" in caplog.text


@pytest.mark.parametrize(
    ("descriptions", "words"),
    [
        (["nir", "red", "green"], "found nir, red, green"),
        (["red", "green", "blue", "red"], "2 bands are called red"),
        (["red", "green", None, None], "found red, green, not stated, not stated"),
    ],
)
def test_contradictions_are_refused(descriptions, words):
    with (
        MemoryFile() as memory,
        opened(memory, len(descriptions), descriptions=descriptions) as image,
        pytest.raises(DataError, match=words),
    ):
        named_bands(image, RGB)


def test_the_default_of_three_bytes_is_red_green_blue(tmp_path):
    profile = {"driver": "GTiff", "width": 4, "height": 4, "count": 3, "dtype": "uint8"}
    with rasterio.open(tmp_path / "plain.tif", "w", **profile, crs=32633, transform=Affine(1, 0, 9, 0, -1, 9)) as out:
        out.write(np.ones((3, 4, 4), np.uint8))
    with rasterio.open(tmp_path / "plain.tif") as image:
        assert stated_bands(image) == RGB
