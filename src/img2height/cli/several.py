"""Several images in one call of `img2height predict`: a folder, or a pattern."""

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path

from img2height.cli.program import messages
from img2height.errors import DataError
from img2height.vocabulary.layers import INPUTS
from img2height.vocabulary.storage import Compression

RASTERS = (".tif", ".tiff")
IMAGES = (*RASTERS, ".jp2", ".vrt", ".img")  # in a folder


def images_of(rasters: Mapping[str, Path | list[Path]]) -> dict[str, list[Path]]:
    """Return the images by layer if a folder or pattern is given; empty if each layer is one raster.

    Raises:
        DataError: nothing is found, or several layers are given.
    """
    found = {
        layer: files for layer, path in rasters.items() if isinstance(path, Path) and (files := _files(path, layer))
    }
    if found and len(rasters) > 1:
        options = ", ".join(INPUTS[layer].option for layer in rasters)
        raise DataError(f"{options}: several images at once are for models with one input; call once per image")
    return found


def _files(path: Path, layer: str) -> list[Path]:
    option = INPUTS[layer].option
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGES)
    elif glob.has_magic(str(path)) and not path.exists():
        files = sorted(map(Path, glob.glob(str(path), recursive=True)))  # noqa: PTH207  # may be an absolute pattern
    else:
        return []
    if not files:
        raise DataError(f"{option} {path}: no image is found; check the folder or pattern, which needs quotes")
    return files


def refuse_of_several(out: Path, extras: Sequence[str]) -> None:
    """Raise a DataError for options that are for one image, or an output that is not a folder."""
    if extras:
        raise DataError(f"{' and '.join(extras)}: not for several images; call once per image, or per mosaic (VRT)")
    if out.name.endswith(RASTERS) or out.is_file():
        raise DataError(f"--out {out}: of several images this is a folder; give the name of one")


def predict_several(
    model: Path, images: Mapping[str, list[Path]], out: Path, window_px: int | None, overlap: float | None,
    engine: str | None, draws: int, compress: Compression, *, mosaic: bool, buildings: Path | None,
) -> None:  # fmt: skip
    """Predict several images with one model into a folder, and their buildings into one file."""
    from img2height.familiarity.familiarity import familiarity_of
    from img2height.inference import load_model
    from img2height.inference.defaults import inference_settings, protocol
    from img2height.inference.several import predict_images

    loaded = load_model(model)
    settings = inference_settings(loaded, window_px=window_px, overlap=overlap, engine=engine)
    with messages():
        predict_images(
            loaded, images, out, settings, mosaic=mosaic, draws=draws, compress=compress, buildings=buildings,
            rules=protocol().buildings, familiarity=familiarity_of(model, loaded.card.weights_sha256),
        )  # fmt: skip
