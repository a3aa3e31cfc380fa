"""One image becomes a height map, and buildings, without the workflow; a run that was killed goes on where it was."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import geopandas
from filelock import FileLock, Timeout
from rasterio.io import DatasetReader

from img2height.buildings.polygons import require_metres
from img2height.buildings.raster import Image, Sources, extract_raster
from img2height.errors import DataError, ModelError
from img2height.heights import read_above_ground
from img2height.inference import predict_raster
from img2height.inference.fingerprint import of_model, of_rasters
from img2height.inference.inputs import find_bands
from img2height.io.atomic import atomic_folder
from img2height.io.grid import Grid
from img2height.io.rasters import copy_to_cog, open_raster, read_heights
from img2height.io.tables import write_geopackage, write_table
from img2height.methods import recipes_folder
from img2height.models.folder import LoadedModel
from img2height.scenes.initial import bring_initial
from img2height.settings.parsing import merge, parse, parse_file
from img2height.settings.protocol import Inference, Params
from img2height.vocabulary.quantities import ABOVE_GROUND, PROBABILITY, RELATIVE

WRITERS = {".gpkg": partial(write_geopackage, layer="buildings"), ".parquet": write_table}

Inputs = Mapping[str, Path | Sequence[Path]]
Say = Callable[[str], None]


def predict_image(
    model: LoadedModel, given: Inputs, out: Path, *, buildings: Path | None = None, changes: dict | None = None,
    draws: int = 0, say: Say = print,
) -> None:  # fmt: skip
    """Write the heights of rasters on one grid as a COG, and their buildings as polygons with heights.

    What is finished lies in a hidden folder beside `out` until all is done: the same call goes on with it, another one
    starts over. Thresholds, overlap and what else is not given are those of params.yaml.

    Args:
        model: see `load_model`.
        given: raster by layer; holes of `dsm_initial` are filled first. What the model does not look at is left alone,
            but for `eo`, which tells buildings from vegetation.
        out: the COG of heights.
        buildings: the polygons, a suffix of `WRITERS`; None makes none.
        changes: `window_px` (else the tiles that the model was trained on) and `overlap`.
        draws: see `predict_raster`.
        say: is told what a person should know.

    Raises:
        ModelError: model and rasters do not fit each other, or the model gives no heights above ground for buildings.
        DataError: a raster cannot be used or written, or another process writes it now.
        SettingsError: a change that makes no sense.
    """
    params = protocol()
    own = {"window_px": model.card["tile_px"]} if "tile_px" in model.card else {}
    values = merge(params.inference.model_dump(), {**own, **(changes or {})})
    settings = parse(Inference, values, "the windows").model_dump()
    needed = {layer: given[layer] for layer in model.recipe.inputs}
    request = {"model": of_model(model), "files": _files(needed), "settings": settings, "draws": draws}
    if buildings:
        _check_buildings(model, needed, given.get("eo"))
    with _scratch(out, request, say) as folder:
        if "dsm_initial" in needed:
            needed["dsm_initial"] = _filled(needed["dsm_initial"], folder, say)
        if not (windows := folder / "windows.tif").exists():
            predict_raster(model, needed, windows, progress=True, draws=draws, **settings)
        copy_to_cog(windows, cog := folder / "height.tif")
        if buildings:
            say("extracting the buildings")
            frame = _buildings(windows, model, given.get("eo"), params, say)
            WRITERS[buildings.suffix](frame, buildings)
        cog.replace(out)
        shutil.rmtree(folder)


def protocol() -> Params:
    """Return the protocol: params.yaml here, else that of the source checkout, as with the method files."""
    path = recipes_folder().parents[1] / "params.yaml"
    return parse_file(Params, path)


def _paths(value: Path | Sequence[Path]) -> list[Path]:
    return [value] if isinstance(value, Path) else list(value)


def _files(inputs: Inputs) -> dict[str, list]:
    """Return path, size and time of all files of each layer: what has changed is read anew."""
    found = {}
    for layer, value in inputs.items():
        with ExitStack() as stack:
            found[layer] = of_rasters([stack.enter_context(open_raster(path)) for path in _paths(value)])
    return found


def _check_buildings(model: LoadedModel, inputs: Inputs, image: Path | None) -> None:
    """Refuse before anything is computed what cannot give buildings."""
    quantity = RELATIVE if model.normalisation.mode == "relative" else model.recipe.target
    if quantity not in ABOVE_GROUND:
        raise ModelError(
            f"the model predicts {quantity}, and buildings need heights above ground ({', '.join(ABOVE_GROUND)}); "
            "leave --buildings out, or take a model of these"
        )
    first = _paths(next(iter(inputs.values())))[0]
    with open_raster(first) as raster:
        require_metres(raster.crs)
        if image:
            with open_raster(image) as colours:
                Grid.of(raster).require(Grid.of(colours), raster.name, colours.name)


@contextmanager
def _scratch(out: Path, request: dict, say: Say) -> Iterator[Path]:
    """Yield the folder of what is finished, emptied if it was made for another request; it stays after an error."""
    folder = out.with_name(f".{out.name}.scratch")
    lock = FileLock(out.with_name(f".{out.name}.lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise DataError(f"{out}: another process writes it now; wait for it, or choose another name") from error
    try:
        text, note = json.dumps(request, sort_keys=True), folder / "request.json"
        if note.exists() and note.read_text(encoding="utf-8") == text:
            say(f"{folder}: going on where an earlier run stopped")
        else:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            note.write_text(text, encoding="utf-8")
        yield folder
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _filled(dsm: Path, folder: Path, say: Say) -> Path:
    """Return the surface model with its holes filled, and say what was filled."""
    if not (surface := folder / "surface").exists():
        with atomic_folder(surface) as making:
            _, count = bring_initial(dsm, making)
        say(f"{dsm}: {count} unknown pixels were filled from around them")
    return surface / "dsm_initial.tif"


def _buildings(
    windows: Path, model: LoadedModel, image: Path | None, params: Params, say: Say
) -> geopandas.GeoDataFrame:
    """Return the buildings of a finished prediction, with the rules of the workflow."""
    with ExitStack() as stack:
        heights = stack.enter_context(open_raster(windows))
        colours = stack.enter_context(open_raster(image)) if image else None
        above = partial(read_above_ground, heights, None)
        if PROBABILITY in heights.descriptions:
            band = heights.descriptions.index(PROBABILITY) + 1
            sources = Sources(Grid.of(heights), above, probability=partial(read_heights, heights, band=band))
        else:
            sources = Sources(Grid.of(heights), above, _vegetation(colours, model.recipe.inputs.get("eo", [])))
            if sources.image is None:
                say("no bands tell vegetation (nir and red, or red, green and blue): height alone decides")
        return extract_raster(sources, params.buildings, windows.with_name("footprint.tif"))


def _vegetation(raster: DatasetReader | None, trained: list[str]) -> Image | None:
    """Return what tells vegetation: bands by their descriptions, else as the model knows them; None if none do."""
    if raster is None:
        return None
    described = [(text or "").casefold() for text in raster.descriptions]
    if (found := Image.of(raster, described)) or not trained or any(described):
        return found
    names = dict(zip(find_bands(raster, trained), trained, strict=True))
    return Image.of(raster, [names.get(index, "") for index in raster.indexes])
