"""Buildings as block models in CityJSON 2.0, one object or a text sequence, https://www.cityjson.org/specs/2.0.1/."""

import json
import math
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import geopandas
import numpy as np
import shapely
from pyproj import CRS
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from img2height.buildings.solids import UNIT_M, Solids
from img2height.errors import DataError
from img2height.io.atomic import atomic_path
from img2height.io.tables import rows_of

# Levels of detail of Biljecki et al. (2016), https://doi.org/10.1016/j.compenvurbsys.2016.04.005
OWN, TERRACE = "1.2", "1.0"
MILLIMETRE = 0.001

Object = dict[str, Any]


class Building(NamedTuple):
    """A building of a file.

    Attributes:
        name: of its object.
        row: its columns, without the outline.
        outline: polygon or multipolygon.
        terrace_m: mean height of the buildings that stand wall to wall with it, NaN where it stands alone.
    """

    name: str
    row: Object
    outline: BaseGeometry
    terrace_m: float


def write_cityjson(frame: geopandas.GeoDataFrame, path: str | Path, source: str) -> None:
    """Write each building as a closed block from `ground_m` to `ground_m` plus `height_m`, in one JSON object.

    The file names the EPSG code of the horizontal coordinate system; the title describes systems without a code. If
    `ground_m` is missing the block stands on 0 m, which `base_m` and the title record. A building without a height
    above 0 m has attributes but no block. The blocks have the level of detail 1.2; buildings that share walls have a
    second one of 1.0, with the mean height of all that stand wall to wall. Objects are named after source and outline,
    so that files can be merged, and a building keeps its name when others appear or disappear.

    Args:
        frame: as returned by `extract`, in a projected coordinate system; may be empty.
        path: the .city.json file.
        source: what the buildings were predicted from and by, e.g. "demo/unet/seed0/demo/station".
    """
    _write_lines([city_model(frame, source)], path)


def write_cityjson_sequence(frame: geopandas.GeoDataFrame, path: str | Path, source: str) -> None:
    """Write the same as `write_cityjson` as lines of JSON, a header and then one building each, which can be streamed.

    Args:
        frame: see `write_cityjson`.
        path: the .city.jsonl file.
        source: see `write_cityjson`.
    """
    _write_lines(_sequence(frame, source), path)


def _write_lines(values: Iterable[Object], path: str | Path) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for value in values:
            file.write(json.dumps(value, separators=(",", ":"), allow_nan=False) + "\n")


def city_model(frame: geopandas.GeoDataFrame, source: str) -> Object:
    """Return the CityJSON object of buildings; see `write_cityjson`."""
    solids = Solids(_origin(frame))
    objects = {building.name: _object(building, solids) for building in _buildings(frame, source)}
    return _header(frame, source) | {"CityObjects": objects, "vertices": solids.listed()}


def _sequence(frame: geopandas.GeoDataFrame, source: str) -> Iterator[Object]:
    """Yield the header and the buildings, each a feature with its own vertices."""
    yield _header(frame, source) | {"CityObjects": {}, "vertices": []}
    for building in _buildings(frame, source):
        solids = Solids(_origin(frame))
        objects = {building.name: _object(building, solids)}
        yield {"type": "CityJSONFeature", "id": building.name, "CityObjects": objects, "vertices": solids.listed()}


def _header(frame: geopandas.GeoDataFrame, source: str) -> Object:
    """Return the members of a file that do not belong to single buildings."""
    title = f"Buildings of {source}"
    groundless = int(frame["ground_m"].isna().sum())
    if groundless:
        title += f"; {groundless} of {len(frame)} stand on 0 m because their terrain height is missing"
    if frame.crs is None:
        raise DataError(f"{title}: the buildings have no coordinate system; CityJSON needs one")
    metadata = _reference_system(frame.crs)
    metadata["title"] = "; ".join([title, *metadata.pop("notes")])
    if (blocks := frame[frame["height_m"] > 0]).size:
        base = blocks["ground_m"].fillna(0.0)
        west, south, east, north = blocks.total_bounds
        extent = (west, south, base.min(), east, north, (base + blocks["height_m"]).max())
        metadata["geographicalExtent"] = [round(float(v), 4) for v in extent]
    transform = {"scale": [UNIT_M] * 3, "translate": [*_origin(frame), 0]}
    return {"type": "CityJSON", "version": "2.0", "transform": transform, "metadata": metadata}


def _buildings(frame: geopandas.GeoDataFrame, source: str) -> Iterator[Building]:
    rows = rows_of(frame.drop(columns="geometry"))
    for row, outline, terrace_m in zip(rows, frame.geometry, terrace_heights(frame), strict=True):
        yield Building(_name(source, outline), row, outline, float(terrace_m))


def _name(source: str, outline: BaseGeometry) -> str:
    """Return the name of a building: a version 5 UUID (RFC 9562) of its source and its outline in whole millimetres."""
    shape = shapely.normalize(shapely.set_precision(outline, MILLIMETRE))
    return f"building-{uuid.uuid5(uuid.NAMESPACE_URL, f'{source}/{shapely.to_wkb(shape, hex=True)}')}"


def _object(building: Building, solids: Solids) -> Object:
    """Return the CityObject of a building; its vertices are added to those of the solids."""
    attributes = {name: None if _is_missing(value) else value for name, value in building.row.items()}
    attributes["base_m"] = base_m = attributes["ground_m"] or 0.0
    heights = {OWN: building.row["height_m"], TERRACE: building.terrace_m}
    geometry = [
        solid
        for lod, height_m in heights.items()
        if height_m > 0
        for solid in solids.of(building.outline, base_m, base_m + height_m, lod)
    ]
    return {"type": "Building", "attributes": attributes, "geometry": geometry}


def _is_missing(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def terrace_heights(frame: geopandas.GeoDataFrame) -> np.ndarray:
    """Return the mean height of all buildings that stand wall to wall, by area, in metres; NaN where one stands alone.

    Args:
        frame: as returned by `extract`.
    """
    outlines = frame.geometry.to_numpy()
    one, other = shapely.STRtree(outlines).query(outlines, predicate="touches")
    walls = shapely.length(shapely.intersection(outlines[one], outlines[other])) > 0
    one, other = one[walls], other[walls]
    graph = coo_array((np.ones(len(one), bool), (one, other)), shape=(len(frame), len(frame)))
    _, terrace = connected_components(graph, directed=False)
    height, area = frame["height_m"].to_numpy(float), frame["area_m2"].to_numpy(float)
    area = np.where(np.isnan(height), 0.0, area)
    volume, areas = (np.bincount(terrace, values) for values in (area * np.nan_to_num(height), area))
    means = np.divide(volume, areas, out=np.full(len(areas), np.nan), where=areas > 0)
    return np.where(np.isin(np.arange(len(frame)), one), means[terrace], np.nan)


def _origin(frame: geopandas.GeoDataFrame) -> tuple[int, int]:
    """Return a corner in whole metres, so that the vertices are small numbers."""
    if frame.empty:
        return 0, 0
    west, south, _, _ = frame.total_bounds
    return math.floor(west), math.floor(south)


def _reference_system(crs: CRS) -> dict[str, Any]:
    """Return `referenceSystem`, if there is a code, and what the code leaves out as `notes`.

    CityJSON has one code for both. A compound system without a code of its own is given by its horizontal part: readers
    take the last number of an OGC compound name for the code, which is the vertical one.
    """
    horizontal, *vertical = crs.sub_crs_list if crs.is_compound and not crs.to_epsg() else [crs]
    code = horizontal.to_epsg()
    notes = [f"heights in {system.name}" for system in vertical]
    if code is None:
        return {"notes": [f"coordinates in {horizontal.name}, which has no EPSG code", *notes]}
    return {"referenceSystem": f"https://www.opengis.net/def/crs/EPSG/0/{code}", "notes": notes}
