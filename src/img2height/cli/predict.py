"""The command that predicts one image: its options, and the checks before anything is computed."""

import inspect
import tempfile
from collections.abc import Callable, Container, Mapping
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from img2height.cli.program import messages
from img2height.cli.several import RASTERS, images_of, predict_several, refuse_of_several
from img2height.errors import DataError, ModelError
from img2height.io.parts import parts_of
from img2height.settings.parsing import meant
from img2height.vocabulary.layers import INPUTS, Layer
from img2height.vocabulary.storage import CLOUDS, Compression
from img2height.vocabulary.units import METRES

POLYGONS = (".parquet", ".gpkg", ".city.json", ".city.jsonl", ".fgb", ".pmtiles")
Given = Mapping[str, Path | list[Path]]


def with_inputs(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with one option per input layer; it receives their values as `rasters`, by layer."""

    @wraps(command)
    def run(**given: Any) -> None:
        rasters = {name: value for name, layer in INPUTS.items() if (value := given.pop(_parameter(layer)))}
        command(rasters=rasters, **given)

    own = [p for name, p in inspect.signature(command).parameters.items() if name != "rasters"]
    signature = inspect.Signature([*own[:2], *map(_option, INPUTS.values()), *own[2:]])
    run.__signature__ = signature  # type: ignore[attr-defined]  # `inspect` reads it, but functions do not declare it
    return run


def _parameter(layer: Layer) -> str:
    return layer.option.removeprefix("--").replace("-", "_")


def _option(layer: Layer) -> inspect.Parameter:
    several = layer.kind == "view"
    text = f"{layer.about}{'; one option each, in order' if several else ''}"
    kind: object = Annotated[(list[Path] if several else Path) | None, typer.Option(layer.option, help=text)]
    return inspect.Parameter(_parameter(layer), inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)


@with_inputs
def predict(
    *,
    model: Annotated[Path, typer.Option(help="model folder")],
    out: Annotated[
        Path, typer.Option(help="height map to write, COG in metres; of several images the folder of their height maps")
    ],
    rasters: Given,
    mosaic: Annotated[
        bool, typer.Option("--mosaic", help="of several images: one height map for all that touch each other")
    ] = False,
    dsm_unit: Annotated[
        str | None,
        typer.Option(help="unit of the heights of --dsm, if the raster does not state it, e.g. metre or foot"),
    ] = None,
    buildings: Annotated[
        Path | None, typer.Option(help=f"buildings to write, {', '.join(POLYGONS)}; rules as in params.yaml")
    ] = None,
    points: Annotated[
        Path | None, typer.Option(help="point cloud to write, .laz or .las, with the colours of --image")
    ] = None,
    intervals: Annotated[
        Path | None,
        typer.Option(help="90 % intervals of the heights to write, COG; needs a calibrated model"),
    ] = None,
    unfamiliar: Annotated[
        Path | None,
        typer.Option(help="score per tile to write, COG: above 2, it is unlike what the model was trained on"),
    ] = None,
    window_px: Annotated[
        int | None, typer.Option(help="side of a window (default: that of the model's training tiles)")
    ] = None,
    overlap: Annotated[
        float | None,
        typer.Option(help="share of a window that its neighbour covers too (default: as in params.yaml)"),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            help="exact, auto (the fastest that kept the model's scores), or a name (default: as in params.yaml)"
        ),
    ] = None,
    draws: Annotated[int, typer.Option(help="predictions with dropout: their mean, and their spread as a band")] = 0,
    compress: Annotated[
        Compression, typer.Option(help="of the height map; deflate is for programs that cannot read zstd")
    ] = "zstd",
) -> None:
    """Predict heights, and buildings, from the input rasters of a trained model, which must be on one pixel grid.

    The rasters may be larger than memory. If killed, run the same command again to resume. A folder, or a pattern in
    quotes ('tiles/*.tif'), stands for all of its images; neighbours are predicted as one, without seams.
    """
    if several := images_of(rasters):
        extras = {"--points": points, "--intervals": intervals, "--unfamiliar": unfamiliar, "--dsm-unit": dsm_unit}
        refuse_of_several(out, [option for option, value in extras.items() if value])
        if buildings:
            check_output(buildings, "--buildings", POLYGONS, [file for files in several.values() for file in files])
            _check_neighbours(buildings)
        predict_several(
            model, several, out, window_px, overlap, engine, draws, compress, mosaic=mosaic, buildings=buildings
        )
        return
    if mosaic:
        raise DataError("--mosaic: is for several images: give a folder, or a pattern in quotes, e.g. 'tiles/*.tif'")
    read = [path for value in rasters.values() for path in (value if isinstance(value, list) else [value])]
    if dsm_unit and dsm_unit not in METRES:
        raise DataError(f"--dsm-unit: {meant(dsm_unit, list(METRES))}")
    written = {"--out": out, "--buildings": buildings, "--points": points, "--intervals": intervals,
               "--unfamiliar": unfamiliar}  # fmt: skip
    _require_own_names({option: path for option, path in written.items() if path})
    check_output(out, "--out", RASTERS, read)
    if buildings:
        check_output(buildings, "--buildings", POLYGONS, read)
        _check_neighbours(buildings)
    if points:
        check_output(points, "--points", CLOUDS, read)
    if intervals:
        check_output(intervals, "--intervals", RASTERS, read)
    if unfamiliar:
        check_output(unfamiliar, "--unfamiliar", RASTERS, read)

    from img2height.conformal.calibration import CALIBRATION, read_calibration
    from img2height.familiarity.familiarity import familiarity_of
    from img2height.inference import load_model
    from img2height.inference.defaults import inference_settings, protocol
    from img2height.inference.image import predict_image

    loaded = load_model(model)
    _require(loaded.inputs, loaded.recipe.optional, rasters)
    settings = inference_settings(loaded, window_px=window_px, overlap=overlap, engine=engine)
    file = model / CALIBRATION
    calibration = read_calibration(file, loaded.card.weights_sha256) if file.is_file() else None
    familiarity = familiarity_of(model, loaded.card.weights_sha256)
    with messages():
        predict_image(
            loaded, rasters, out, settings, protocol().buildings,
            buildings=buildings, points=points, intervals=intervals, calibration=calibration,
            unfamiliar=unfamiliar, familiarity=familiarity, draws=draws, dsm_unit=dsm_unit, compress=compress,
        )  # fmt: skip


def check_output(path: Path, option: str, suffixes: tuple[str, ...], read: list[Path]) -> None:
    """Fail early if the output cannot be written."""
    if not path.name.endswith(suffixes):
        names, found = " or ".join(filter(None, [", ".join(suffixes[:-1]), suffixes[-1]])), path.suffix or "no suffix"
        raise DataError(f"{option} {path}: must end in {names}, found {found!r}")
    if path.is_dir():
        raise DataError(f"{option} {path}: is a folder; give the name of a file in it")
    if path.exists() and path.resolve() in [file.resolve() for other in read for file in parts_of(other)]:
        raise DataError(f"{option} {path}: is one of the files to read; choose another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise DataError(f"{option} {path}: its folder cannot be written ({error}); choose another") from error


def _require_own_names(written: Mapping[str, Path]) -> None:
    """Refuse two results of one name, of which the second would replace the first."""
    seen: dict[Path, str] = {}
    for option, path in written.items():
        if (other := seen.setdefault(path.resolve(), option)) != option:
            raise DataError(f"{other} and {option} are both {path}; give each a name of its own")


def _check_neighbours(path: Path) -> None:
    """Refuse to replace a GeoPackage that contains other layers, or styles that somebody has changed."""
    if path.suffix != ".gpkg" or not path.exists():
        return
    from img2height.buildings.files import other_layers

    if others := other_layers(path):
        raise DataError(
            f"--buildings {path}: contains layers of other programs ({', '.join(others)}); choose another name"
        )


def _require(inputs: Mapping[str, list[str]], optional: Container[str], given: Given) -> None:
    """Refuse a call that leaves out a required input of the model, or all of them."""
    wanted = {layer: f"{INPUTS[layer].option} ({' '.join(bands)})" for layer, bands in inputs.items()}
    required = [layer for layer in inputs if layer not in optional]
    if missing := [INPUTS[layer].option for layer in required if layer not in given]:
        needed = ", ".join(wanted[layer] for layer in required)
        raise ModelError(f"the model needs {needed}; give {' and '.join(missing)}")
    if not any(layer in given for layer in inputs):
        raise ModelError(f"the model needs one or more of {', '.join(wanted.values())}; give any of them")
