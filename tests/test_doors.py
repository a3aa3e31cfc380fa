"""A raster in any form gives the same scene and the same prediction as its plain twin, or a refusal in one line."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from inference_cases import FirstBand, as_model, with_card
from rasterio.enums import ColorInterp
from raw_cases import NORTH, SIDE, UTM, WEST, band, deliver, prepare, ramp

from img2height.errors import Img2HeightError
from img2height.inference.defaults import inference_settings, protocol
from img2height.inference.given import given_scene
from img2height.inference.image import predict_image
from img2height.scenes.initial import bring_initial
from img2height.vocabulary.units import METRES, UNIT_OF

COLOURS = {
    "red": ColorInterp.red, "green": ColorInterp.green, "blue": ColorInterp.blue, "nir": ColorInterp.nir,
}  # fmt: skip
TURNED = {  # by orientation: the array as it is stored, and the transform that puts each pixel where it was
    "north": (lambda a: a, Affine(1, 0, WEST, 0, -1, NORTH)),
    "south": (lambda a: a[..., ::-1, :], Affine(1, 0, WEST, 0, 1, NORTH - SIDE)),
    "mirrored": (lambda a: a[..., ::-1], Affine(-1, 0, WEST + SIDE, 0, -1, NORTH)),
    "quarter": (lambda a: np.rot90(a, axes=(-2, -1)), Affine(0, -1, WEST + SIDE, -1, 0, NORTH)),
}
STORAGE = {
    "strips": {"driver": "GTiff"},
    "tiles": {"driver": "GTiff", "tiled": True, "blockxsize": 32, "blockysize": 16, "compress": "DEFLATE"},
    "lerc": {"driver": "GTiff", "compress": "LERC_ZSTD", "MAX_Z_ERROR": 0},
    "jpeg": {"driver": "GTiff", "compress": "JPEG", "tiled": True, "blockxsize": 64, "blockysize": 64},
    "jp2": {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES"},
}
LOSSLESS = [name for name in STORAGE if name != "jpeg"]


@dataclass(frozen=True)
class Form:
    """One way to store an image.

    Attributes:
        order: of the bands.
        named: by descriptions; otherwise by colour interpretation.
        validity: none, nodata, alpha or mask.
        storage: of `STORAGE`.
        orientation: of `TURNED`.
        mosaic: read through a VRT.
    """

    order: list[str]
    named: bool
    validity: str
    storage: str
    orientation: str
    mosaic: bool


FORMS = st.builds(
    Form,
    order=st.permutations(list(COLOURS)),
    named=st.booleans(),
    validity=st.sampled_from(["none", "nodata", "alpha", "mask"]),
    storage=st.sampled_from(list(STORAGE)),
    orientation=st.sampled_from(list(TURNED)),
    mosaic=st.booleans(),
)


def image(seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return bands of 1 to 255, by name, and which pixels are valid; smooth, so that lossy compression is mild."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 235, (4, SIDE // 8, SIDE // 8), np.uint8)
    bands = dict(zip(COLOURS, coarse.repeat(8, axis=1).repeat(8, axis=2), strict=True))
    valid = np.ones((SIDE, SIDE), bool)
    valid[:16, :24] = False
    return bands, valid


def write_image(path: Path, bands: dict[str, np.ndarray], valid: np.ndarray, form: Form) -> Path:
    """Write an image in a form and return the path to read; JPEG 2000 has a suffix of its own."""
    turn, transform = TURNED[form.orientation]
    uses = [COLOURS[name] for name in form.order]
    stack = [np.where(valid | (form.validity != "nodata"), bands[name], 0) for name in form.order]
    if form.validity == "alpha":
        stack.append(255 * valid.astype(np.uint8))
        uses.append(ColorInterp.alpha)
    path = path.with_suffix(".jp2" if form.storage == "jp2" else ".tif")
    profile = {"width": SIDE, "height": SIDE, "count": len(stack), "dtype": "uint8", "crs": UTM, "transform": transform}
    nodata = {"nodata": 0} if form.validity == "nodata" else {}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", **profile, **nodata, **STORAGE[form.storage], photometric="MINISBLACK") as out,
    ):
        out.colorinterp = [ColorInterp.undefined] * len(stack) if form.named and form.validity != "alpha" else uses
        if form.named:
            for index, name in enumerate(form.order, 1):
                out.set_band_description(index, name)
        out.write(turn(np.stack(stack)))
        if form.validity == "mask":
            out.write_mask(turn(valid))
    if not form.mosaic:
        return path
    rasterio.shutil.copy(path, path.with_suffix(".vrt"), driver="VRT")
    return path.with_suffix(".vrt")


def scene_of(folder: Path, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the bands of the prepared scene, in the order of `COLOURS`, and which pixels are valid."""
    layers = {**deliver(folder / "raw"), "eo": {"path": str(path)}}
    scene = prepare(folder, layers)
    with rasterio.open(scene.path("eo")) as found:
        names = scene.layers["eo"].bands
        values = found.read([names.index(name) + 1 for name in COLOURS])
        return values, found.dataset_mask() > 0


def heights_of(folder: Path, path: Path, orientation: str) -> tuple[np.ndarray]:
    """Return what a model that repeats near infrared predicts, north up, NaN where missing."""
    model = as_model(FirstBand(), dtype="uint8", inputs={"eo": ["nir", "red"]}, target="ndsm")
    model = with_card(model, gsd_m=1.0)
    predict_image(model, {"eo": path}, folder / "h.tif", inference_settings(model), protocol().buildings)
    turn, _ = TURNED[orientation]
    rows, columns = (turn(a) for a in np.indices((SIDE, SIDE)))
    with rasterio.open(folder / "h.tif") as found:
        heights = np.full((SIDE, SIDE), np.nan)
        heights[rows, columns] = found.read(1, masked=True).astype(float).filled(np.nan)
        return (heights,)


@settings(max_examples=20)
@given(FORMS, st.integers(0, 9))
def test_an_image_in_any_form(tmp_path_factory, form, seed):
    assume(form.storage != "jpeg" or form.validity != "alpha")  # JPEG has four bands at most
    assume(form.storage != "jp2" or form.orientation != "south")  # GDAL 3.10 writes another place into the file
    folder = tmp_path_factory.mktemp("form")
    bands, valid = image(seed)
    path = write_image(folder / "eo", bands, valid, form)
    valid = valid if form.validity != "none" else np.ones_like(valid)
    tolerance = 0 if form.storage in LOSSLESS else 12
    if scene := accepted(form, scene_of, folder, path):
        values, mask = scene
        assert (mask == valid).all(), form
        assert np.abs(values.astype(int) - np.stack(list(bands.values())))[:, valid].max() <= tolerance, form
    if predicted := accepted(form, heights_of, folder, path, form.orientation):
        (heights,) = predicted
        assert (np.isfinite(heights) == valid).all(), form
        assert np.abs(heights - bands["nir"])[valid].max() <= tolerance, form


def accepted(form: Form, function: Callable[..., tuple], *arguments: object) -> tuple | None:
    """Return the result of a function, or None if it refuses, in one line, bands without names or colours."""
    try:
        return function(*arguments)
    except Img2HeightError as error:
        assert "\n" not in str(error)
        assert form.storage == "jp2" and not form.named, error  # JPEG 2000 keeps no colour but red, green, blue
        assert "band" in str(error)
        return None


@dataclass(frozen=True)
class Stored:
    """One way to store heights.

    Attributes:
        dtype: of the stored numbers.
        scale: of the band.
        offset: of the band.
        unit: of the values.
        nodata: stored number that means missing; None for a mask.
        storage: of `STORAGE`.
        orientation: of `TURNED`.
        mosaic: read through a VRT.
    """

    dtype: str
    scale: float
    offset: float
    unit: str
    nodata: float | None
    storage: str
    orientation: str
    mosaic: bool


STORED = st.builds(
    Stored,
    dtype=st.sampled_from(["int16", "int32", "float32"]),
    scale=st.sampled_from([1.0, 0.1, 0.01]),
    offset=st.sampled_from([0.0, 100.0, -50.0]),
    unit=st.sampled_from(["metre", "ft", "US survey foot", "dm"]),
    nodata=st.sampled_from([-9999, 32767, 0, None]),
    storage=st.sampled_from(["strips", "tiles", "lerc"]),
    orientation=st.sampled_from(list(TURNED)),
    mosaic=st.booleans(),
)


def write_heights(path: Path, stored: np.ndarray, valid: np.ndarray, form: Stored) -> Path:
    """Write stored numbers in a form and return the path to read."""
    turn, transform = TURNED[form.orientation]
    profile = {"width": SIDE, "height": SIDE, "count": 1, "dtype": form.dtype, "crs": UTM, "transform": transform}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", **profile, nodata=form.nodata, **STORAGE[form.storage]) as out,
    ):
        out.scales, out.offsets, out.units = (form.scale,), (form.offset,), (form.unit,)
        out.write(turn(stored)[None])
        if form.nodata is None:
            out.write_mask(turn(valid))
    if not form.mosaic:
        return path
    rasterio.shutil.copy(path, path.with_suffix(".vrt"), driver="VRT")
    return path.with_suffix(".vrt")


@settings(max_examples=20)
@given(STORED)
def test_heights_in_any_form(tmp_path_factory, form):
    """For a scene and for a prediction."""
    folder = tmp_path_factory.mktemp("form")
    metres = METRES[UNIT_OF[form.unit.casefold()]]
    valid = np.ones((SIDE, SIDE), bool)
    valid[:16, :24] = False
    numbers = ((ramp() + 5) / metres - form.offset) / form.scale
    assume(form.dtype != "int16" or np.abs(numbers).max() < 32_000)
    stored = np.rint(numbers).astype(form.dtype)
    assume(form.nodata is None or not (stored[valid] == form.nodata).any())
    path = write_heights(folder / "dsm.tif", np.where(valid, stored, form.nodata or 0).astype(form.dtype), valid, form)
    expected = (stored.astype(float) * form.scale + form.offset) * metres
    layers = {**deliver(folder / "raw"), "dsm": {"path": str(path)}}
    found = band(prepare(folder, layers), "dsm")
    assert (np.isfinite(found) == valid).all(), form
    assert np.abs(found - expected)[valid].max() < 1e-3, form
    scene = given_scene({"dsm_initial": ["dsm"]}, {"dsm_initial": path})
    surface, _ = bring_initial(path, folder, scene.layers["dsm_initial"].unit)
    with rasterio.open(surface) as raster:
        values = np.empty((SIDE, SIDE))
        values[tuple(TURNED[form.orientation][0](a) for a in np.indices((SIDE, SIDE)))] = raster.read(1)
    assert np.abs(values - expected)[valid].max() < 1e-3, form
