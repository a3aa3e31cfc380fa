"""Any folder of rasters and point clouds, matched with layers by the patterns of their names or by a table."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas

from img2height.errors import DataError
from img2height.importing import Adapter, Scene, gather
from img2height.importing.matching import WHOLE, as_name, regular
from img2height.importing.mosaics import POINTS
from img2height.io.tables import rows_of
from img2height.settings.parsing import meant
from img2height.vocabulary.layers import LAYERS, VIEWS
from img2height.vocabulary.parts import PARTS

RASTER, VECTOR = r"\.(?:tiff?|vrt|jp2)", r"\.(?:gpkg|geojson|parquet|shp)"
USUAL = {  # names that are often used, in a folder per scene or all in one
    layer: rf"(?:(?P<scene>[^/]+)/)?{names}"
    for layer, names in {
        "eo": rf"(?:eo|rgb|rgbi|rgbn|ortho|orthophoto|orthomosaic|image|dop){RASTER}",
        "dsm": rf"(?:dsm|dom|surface){RASTER}",
        "dtm": rf"(?:dtm|dgm|dem|terrain){RASTER}",
        "ndsm": rf"(?:ndsm|ndom|chm|mnh|agl){RASTER}",
        "points": r"(?P<cloud>[^/]+)\.la[sz]",
        "building": rf"buildings?{RASTER}",
        "building_polygons": rf"(?:buildings?|footprints?){VECTOR}",
    }.items()
}
COLUMNS = ("scene", "tile", "role", "group")


def of_patterns(patterns: Mapping[str, str]) -> Adapter:
    """Return the adapter of a folder whose files match patterns by layer, such as `{scene}/ortho_{tile}.tif`."""
    _require_layers(patterns)
    expressions = {layer: regular(pattern) for layer, pattern in patterns.items()}
    layout = "\n".join(f"{layer}={pattern}" for layer, pattern in patterns.items())
    return replace(ADAPTER, layout=layout, find=partial(_find, expressions))


def of_table(table: Path) -> Adapter:
    """Return the adapter of the files that a CSV lists: one column per layer, and scene, tile, role, group if needed.

    Args:
        table: one row per tile of a scene; paths are relative to the folder of the delivery.

    Raises:
        DataError: it cannot be read, has no such columns, or names a file twice or one that does not exist.
    """
    return replace(ADAPTER, layout=f"the files listed in {table}", find=partial(_find_listed, table))


def _require_layers(names: Mapping[str, object]) -> None:
    for name in names:
        if name not in (*LAYERS, POINTS) and not name.startswith("view_"):
            raise DataError(f"there is no layer {meant(name, [layer for layer in LAYERS if layer != VIEWS])}")


def _find(patterns: Mapping[str, str], root: Path) -> dict[str, Scene]:
    return {name: Scene(pieces, {layer: {} for layer in patterns}) for name, pieces in gather(root, patterns).items()}


def _find_listed(table: Path, root: Path) -> dict[str, Scene]:
    rows = rows_of(_read(table))
    scenes: dict[str, Scene] = {}
    for number, row in enumerate(rows, start=2):
        name, piece = as_name(row.get("scene", WHOLE)), row.get("tile", WHOLE)
        files = {layer: root / text for layer, text in row.items() if layer not in COLUMNS and text}
        if absolute := [text for layer, text in row.items() if layer not in COLUMNS and Path(text).is_absolute()]:
            raise DataError(f"{table}, line {number}: {absolute[0]}: write paths as seen from the folder {root}")
        if missing := [file for file in files.values() if not file.exists()]:
            raise DataError(f"{table}, line {number}: {missing[0]} does not exist")
        role, group = row.get("role") or None, row.get("group") or None
        if role and role not in PARTS:
            raise DataError(f"{table}, line {number}: the role is {meant(role, PARTS)}")
        scene = scenes.setdefault(name, Scene({}, {layer: {} for layer in files}, role, group))
        if piece in scene.pieces or (scene.role, scene.group) != (role, group):
            raise DataError(
                f"{table}, line {number}: scene {name} has a tile {piece} already, or another role or group"
            )
        scene.pieces[piece] = files
    return scenes


def _read(table: Path) -> pandas.DataFrame:
    try:
        found = pandas.read_csv(table, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{table}: cannot be read as a CSV with a header ({error})") from error
    _require_layers({str(column): None for column in found.columns.drop(list(COLUMNS), errors="ignore")})
    return found


ADAPTER = Adapter(
    title="Own rasters",
    source="unrecorded",
    licence="unrecorded",
    vertical_reference="unrecorded",
    layout="<scene>/{rgb,ortho,image}.tif\n<scene>/{dsm,dom}.tif\n<scene>/{dtm,dgm}.tif\n<scene>/ndsm.tif\n"
    "<scene>/*.laz (instead of dsm and dtm)\n<scene>/buildings.{tif,gpkg}",
    find=partial(_find, USUAL),
    notes=("Correct title, source, licence and vertical reference in the dataset's file.",),
)
