"""The layers of found scenes as a dataset file names them: single files as they are, others as mosaics."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas
from rasterio.enums import ColorInterp

from img2height.errors import DataError
from img2height.importing.adapter import Scene
from img2height.importing.laying import Chip, Sheet, lay_out, on_a_sheet, on_the_ice, on_the_map
from img2height.io.clouds import clouds_in, extent_of
from img2height.io.grid import Grid
from img2height.io.rasters import open_raster
from img2height.io.tables import write_table
from img2height.io.vrt import write_mosaic, write_stack
from img2height.vocabulary.layers import layer_of
from img2height.vocabulary.storage import VECTORS

RATIO = "ratio"  # of a layer of an adapter: number by which the stored values are multiplied
POINTS = "points"  # layer of an adapter: point clouds, of which a scene has one folder
TABLE = "buildings"  # of a layer of an adapter: it is read from the polygons that the adapter returns
Layers = dict[str, dict[str, Any]]  # keys of a dataset file, by layer


@dataclass(frozen=True)
class Delivery:
    """A delivery seen from the folder of its dataset.

    Attributes:
        root: the delivered folder.
        inside: the same folder, as a path below that of the dataset.
        folder: of the dataset, to which the paths of the dataset file are relative.
    """

    root: Path
    inside: Path
    folder: Path

    def seen(self, file: Path) -> Path:
        """Return the path of a delivered file below the folder of the dataset."""
        return self.inside / file.relative_to(self.root)


def write_mosaics(dataset: str, scenes: Mapping[str, Scene], delivery: Delivery, made: Path) -> dict[str, Layers]:
    """Write the mosaics of all scenes, and a table of their chips; return the layers by scene.

    Args:
        dataset: its name.
        scenes: by name.
        delivery: where the files lie.
        made: folder of the mosaics, below that of the dataset.

    Raises:
        DataError: the files of a layer do not fit together.
    """
    sizes = {name: scene.chip_gsd_m for name, scene in scenes.items() if scene.chip_gsd_m}
    sheets = {name: lay_out(scenes[name].pieces) for name in sizes}
    grids = on_the_ice(dataset, sheets, sizes)
    if sheets:
        _list_chips(sheets).to_csv(made / "chips.csv", index=False)
    return {
        name: _layers(name, scene, delivery, made, sheets.get(name), grids.get(name)) for name, scene in scenes.items()
    }


def _layers(name: str, scene: Scene, delivery: Delivery, made: Path, sheet: Sheet | None, grid: Grid | None) -> Layers:
    """Write the mosaics of one scene and return its layers."""
    found: Layers = {}
    if scene.polygons is not None:
        write_table(scene.polygons(), made / f"{name}_{TABLE}.parquet")
    for layer, declared in scene.layers.items():
        path = _path(name, layer, scene, delivery, made, sheet, grid)
        if path is not None:
            keys = {key: value for key, value in declared.items() if key not in (RATIO, TABLE)}
            if layer == POINTS and scene.crs and not extent_of(clouds_in(path)[0])[1]:
                keys["crs"] = scene.crs
            found[layer] = {"path": path.relative_to(delivery.folder).as_posix(), **keys}
    return found


def _path(
    name: str, layer: str, scene: Scene, delivery: Delivery, made: Path, sheet: Sheet | None, grid: Grid | None
) -> Path | None:
    """Return the file of a layer below the folder of the dataset, None if the scene lacks it."""
    declared, path = scene.layers[layer], made / f"{name}_{layer}.vrt"
    if declared.get(TABLE):
        return made / f"{name}_{TABLE}.parquet"
    stacks = [stack for files in scene.pieces.values() if (stack := _stack(layer, declared, files))]
    if stacks:
        if len(stacks) > 1:
            raise DataError(f"scene {name}: {len(stacks)} images in separate bands; import them as scenes of their own")
        first = on_the_map([next(iter(stacks[0].values()))], scene.crs).grid
        write_stack(
            path, first, {band: delivery.seen(file) for band, file in stacks[0].items()}, declared.get("nodata")
        )
        return path
    files = [files[layer] for files in scene.pieces.values() if layer in files]
    if not files:
        return None
    if layer == POINTS:
        return _linked(files, made / f"{name}_{POINTS}", delivery)
    if len(files) > 1 and files[0].suffix.lower() in VECTORS:
        raise DataError(f"scene {name}: {len(files)} files of {layer}, e.g. {files[0]}; merge them into one")
    bands = list(declared.get("bands", []))
    if not sheet and len(files) == 1 and RATIO not in declared and _is_plain(files[0], scene.crs, len(bands)):
        return delivery.seen(files[0])
    laid = on_a_sheet(sheet, scene.pieces, layer, grid) if sheet and grid else on_the_map(files, scene.crs)
    parts = [part._replace(path=delivery.seen(part.path)) for part in laid.parts]
    write_mosaic(
        path, laid.grid, parts, crs=laid.crs, nodata=declared.get("nodata"), ratio=declared.get(RATIO),
        bands=bands if layer_of(layer).kind in ("image", "backscatter") else None,
    )  # fmt: skip
    return path


def _linked(files: Sequence[Path], folder: Path, delivery: Delivery) -> Path:
    """Return a folder of links to point clouds, or the only one."""
    if len(files) == 1:
        return delivery.seen(files[0])
    folder.mkdir()
    for file in files:
        link = folder / file.name
        if link.is_symlink():
            raise DataError(f"two point clouds have the name {file.name}, e.g. {file}; rename one")
        link.symlink_to(os.path.relpath(delivery.seen(file), folder))
    return folder


def _is_plain(file: Path, crs: str | None, bands: int) -> bool:
    """Return whether a file can be read as it is: it needs neither a declared system nor other kinds of bands."""
    if file.suffix.lower() in VECTORS:
        return True
    with open_raster(file) as raster:
        alpha = ColorInterp.alpha in raster.colorinterp and raster.count == bands
        return not alpha and (raster.crs is not None or crs is None)


def _stack(layer: str, declared: Mapping[str, Any], files: Mapping[str, Path]) -> dict[str, Path]:
    """Return the files of an image that was delivered in one file per band, by band; empty if it was not."""
    found = {band: files[f"{layer}:{band}"] for band in declared.get("bands", []) if f"{layer}:{band}" in files}
    if found and len(found) < len(declared["bands"]):
        missing = ", ".join(band for band in declared["bands"] if band not in found)
        raise DataError(f"{next(iter(found.values()))}: bands of the same image are missing: {missing}")
    return found


def _list_chips(sheets: Mapping[str, Sheet]) -> pandas.DataFrame:
    rows = [(scene, *chip) for scene, sheet in sheets.items() for chip in sheet.chips]
    return pandas.DataFrame(rows, columns=["scene", *Chip._fields])
