"""Predicts many images with one model: neighbours as one, resumed where it was killed, with a STAC item per result."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pandas
import torch
from rasterio.windows import Window
from rich.console import Console
from rich.progress import track

from img2height.buildings.files import write_buildings
from img2height.errors import DataError, Img2HeightError, ModelError
from img2height.familiarity.familiarity import Familiarity
from img2height.inference.image import (
    DEVICES,
    check_buildings,
    checked_task,
    compute_heights,
    find_buildings,
    warn_of_unfamiliar,
)
from img2height.inference.plan import Task
from img2height.inference.record import files_of, record_of, resumable
from img2height.inference.regions import Region, find_regions
from img2height.inference.stac import COLLECTION, ITEM, is_ours, write_catalogue
from img2height.inference.tags import INPUTS_TAG, MODEL_TAG, TAGS
from img2height.io.atomic import atomic_path
from img2height.io.grid import Grid
from img2height.io.locks import alone
from img2height.io.rasters import Band, copy_to_cog, create_scratch, open_raster, set_tags
from img2height.io.tables import read_geotable, write_table
from img2height.models.folder import LoadedModel
from img2height.settings.protocol import Buildings, Inference
from img2height.vocabulary.layers import INPUTS, NODATA
from img2height.vocabulary.storage import Compression

logger = logging.getLogger(__name__)

WORK, HEIGHTS = ".img2height", "heights"  # in the folder of the results, until all of them are there


def predict_images(
    model: LoadedModel, images: Mapping[str, Sequence[Path]], out: Path, settings: Inference, *,
    mosaic: bool = False, draws: int = 0, compress: Compression = "zstd",
    buildings: Path | None = None, rules: Buildings | None = None, familiarity: Familiarity | None = None,
) -> list[Path]:  # fmt: skip
    """Write the heights of images into a folder and return the rasters: one for each image, or for each region.

    Images that touch are predicted as one raster. All of them are checked before anything is computed. The same call
    resumes after a kill, with the same bytes; another model, image or setting starts over.

    Args:
        model: takes one image, see `load_model`.
        images: the files of the one layer, see `find_regions`.
        out: folder of the rasters, named like the images, or like the first image of a region; of a STAC item for each,
            and of a collection if there are several.
        settings: see `predict_image`.
        mosaic: write one raster for each region of touching images.
        draws: see `predict_image`.
        compress: likewise.
        buildings: one file with the buildings of all images; one that stands on several of them is one building.
        rules: settings of the buildings, needed with them.
        familiarity: of the model, for a warning; None if it has none.

    Raises:
        ModelError: the model takes several rasters, or the images do not fit it.
        DataError: an image cannot be used, or another process is writing the folder.
    """
    ((layer, files),) = images.items()
    if further := [other for other in model.inputs if other not in (layer, *model.recipe.optional)]:
        needed = ", ".join(INPUTS[other].option for other in further)
        raise ModelError(f"the model needs {needed} too; several images at once are for models with one input")
    regions, work = find_regions(files), out / WORK
    _require_free([out / f"{name}.tif" for name in _names(regions, mosaic)], files)
    taken = DataError(f"{out}: another process is writing it; wait for it, or choose another folder")
    with alone(out, taken):
        checked = _checked(model, layer, regions, work, settings, draws, built=buildings is not None)
        rules = rules if buildings else None
        record = record_of(checked[0][0], DEVICES, torch.get_num_threads()) | {"rules": rules and rules.model_dump()}
        logger.info("%d images in %d regions of touching ones", len(files), len(regions))
        with resumable(work / HEIGHTS, record | {"inputs": files_of(files), "compress": compress}):
            one = len(checked) == 1
            for task, grid in track(checked, "regions", console=Console(stderr=True), disable=one):
                _compute(task, grid, compress, rules, familiarity, progress=one)
        written = [
            path
            for region, (task, _) in zip(regions, checked, strict=True)
            for path in _deliver(region, _result(task), out, whole=mosaic, compress=compress)
        ]
        write_catalogue(written, out)
        if buildings:
            _write_buildings([_table(task) for task, _ in checked], buildings, f"{model.card.method}/{out.name}")
        shutil.rmtree(work)
    return written


def _checked(
    model: LoadedModel, layer: str, regions: Sequence[Region], work: Path, settings: Inference, draws: int, *,
    built: bool,
) -> list[tuple[Task, Grid | None]]:  # fmt: skip
    """Return the prediction of each region, see `checked_task`; after an error nothing new is left."""
    try:
        checked = [
            checked_task(model, {layer: region.raster(work / "mosaics")}, work / HEIGHTS / region.name, settings, draws)
            for region in regions
        ]
        if built:
            _require_one_system([task.scene.grid for task, _ in checked], regions)
            for task, _ in checked:
                check_buildings(model, task.scene)
        return checked
    except Img2HeightError:
        if not (work / HEIGHTS).exists():  # of an earlier call
            shutil.rmtree(work, ignore_errors=True)
            with suppress(OSError):  # not empty
                work.parent.rmdir()
        raise


def _require_one_system(grids: Sequence[Grid], regions: Sequence[Region]) -> None:
    """Raise a DataError unless all regions have the coordinate system of the first."""
    for grid, region in zip(grids, regions, strict=True):
        if grid.crs != grids[0].crs:
            raise DataError(
                f"{regions[0].files[0]} and {region.files[0]} are in different coordinate systems, and a file of "
                "buildings has one; predict them in calls of their own"
            )


def _compute(
    task: Task, grid: Grid | None, compress: Compression, rules: Buildings | None, familiarity: Familiarity | None, *,
    progress: bool,
) -> None:  # fmt: skip
    """Compute the heights of a region, and its buildings if there are rules for them, unless they are there."""
    if _result(task).exists():
        return
    with resumable(task.folder, record_of(task, DEVICES, torch.get_num_threads())):
        heights, scene = compute_heights(task, grid, compress, may_be_empty=True, progress=progress)
        if rules:
            write_table(find_buildings(task.model, scene, heights, rules), _table(task))
        if familiarity:
            warn_of_unfamiliar(replace(task, scene=scene), familiarity)
        heights.replace(_result(task))
    shutil.rmtree(task.folder)


def _table(task: Task) -> Path:
    return task.folder.with_name(f"{task.folder.name}.parquet")


def _write_buildings(tables: Sequence[Path], path: Path, source: str) -> None:
    """Write the buildings of all regions as one table, numbered from 1."""
    found = pandas.concat([read_geotable(table) for table in tables], ignore_index=True)
    write_buildings(found.assign(building_id=found.index + 1), path, source)


def _result(task: Task) -> Path:
    return task.folder.with_name(f"{task.folder.name}.tif")


def _names(regions: Sequence[Region], mosaic: bool) -> list[str]:
    return [
        region.name if mosaic else file.stem for region in regions for file in region.files[: 1 if mosaic else None]
    ]


def _require_free(outputs: Sequence[Path], files: Sequence[Path]) -> None:
    """Raise a DataError if a result would replace a file that is not an earlier result."""
    read = {file.resolve() for file in files}
    for path in outputs:
        if path.resolve() in read:
            raise DataError(f"{path}: is one of the images to read; choose another folder")
        if path.exists():
            with open_raster(path) as raster:
                if MODEL_TAG not in raster.tags():
                    raise DataError(f"{path}: exists and is not a height map of this program; choose another folder")
        if path.stem == Path(COLLECTION).stem:
            raise DataError(f"{path}: its description would have the name of that of the folder; rename the image")
    described = {path.with_suffix(ITEM) for path in outputs} | {path.with_name(COLLECTION) for path in outputs}
    for item in sorted(described):
        if item.exists() and not is_ours(item):
            raise DataError(f"{item}: exists and was not written by this program; choose another folder")


def _deliver(region: Region, heights: Path, out: Path, *, whole: bool, compress: Compression) -> list[Path]:
    """Return the rasters of a region after copying the heights, or the part of each image."""
    if whole or len(region.files) == 1:
        with atomic_path(path := out / f"{region.name}.tif") as temporary:
            shutil.copyfile(heights, temporary)
        return [path]
    with open_raster(heights) as raster:
        grid, tags = Grid.of(raster), raster.tags()
        bands = [Band(name or "", unit or "") for name, unit in zip(raster.descriptions, raster.units, strict=True)]
        for file, own in zip(region.files, region.grids, strict=True):
            part, scratch = _window(grid, own), heights.with_name(f"{file.stem}.part")
            with create_scratch(scratch, grid.crop(part), bands, "float32", NODATA) as made:
                for block in grid.crop(part).blocks():
                    window = Window(
                        part.col_off + block.col_off, part.row_off + block.row_off, block.width, block.height
                    )
                    made.write(raster.read(window=window), block)
            inputs = {INPUTS_TAG: f"{tags[INPUTS_TAG].split()[0]} {file.name}"}
            set_tags(scratch, {key: text for key, text in tags.items() if key.startswith(TAGS)} | inputs)
            copy_to_cog(scratch, out / f"{file.stem}.tif", compress=compress)
            scratch.unlink()
    return [out / f"{file.stem}.tif" for file in region.files]


def _window(grid: Grid, own: Grid) -> Window:
    """Return the pixels of a grid that an image covers, to the nearest pixel: the grid may be a resampled one."""
    west, north, east, south = grid.from_map(own.to_map(own.extent)).bounds
    left, top = round(west), round(north)
    return grid.clip(Window(left, top, round(east) - left, round(south) - top))
