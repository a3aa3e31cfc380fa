"""Buildings as block models (LoD1) in CityJSON 2.0, https://www.cityjson.org/specs/2.0.1/."""

import json
import math
import uuid
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import shapely
from pyproj import CRS
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from img2height.errors import DataError
from img2height.io.atomic import atomic_path
from img2height.io.tables import rows_of

MILLIMETRE = 0.001
# Four walls must not share an edge, or the solid is invalid; an outline that touches itself is pulled back by this gap.
GAP_M = 0.002

Vertex = tuple[int, int, int]
Faces = list[list[list[int]]]


def write_cityjson(frame: geopandas.GeoDataFrame, path: str | Path, source: str) -> None:
    """Write each building as a closed block from its ground to its ground plus `height_m`; vertices are in whole mm.

    The file names the EPSG code of the horizontal coordinate system; the title describes systems without a code. If
    `ground_m` is missing the block stands on 0 m, and title and attributes record that. A building without a height
    above 0 m has attributes but no block. Objects are named after source and outline, so that files of several scenes,
    methods or runs can be merged, and a building keeps its name when others appear or disappear.

    Args:
        frame: as returned by `extract`, in a projected coordinate system; may be empty.
        path: the .city.json file.
        source: what the buildings were predicted from and by, e.g. "demo/unet/seed0/demo/station".
    """
    text = json.dumps(city_model(frame, source), separators=(",", ":"), allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def city_model(frame: geopandas.GeoDataFrame, source: str) -> dict[str, Any]:
    """Return the CityJSON object of buildings; see `write_cityjson`."""
    origin = _origin(frame)
    vertices: dict[Vertex, int] = {}
    objects = {
        _name(source, frame.geometry.iloc[i]): _building(row, frame.geometry.iloc[i], origin, vertices)
        for i, row in enumerate(rows_of(frame.drop(columns="geometry")))
    }
    title = f"Buildings of {source}"
    groundless = int(frame["ground_m"].isna().sum())
    if groundless:
        title += f"; {groundless} of {len(frame)} stand on 0 m because their terrain height is missing"
    if frame.crs is None:
        raise DataError(f"{title}: the buildings have no coordinate system; CityJSON needs one")
    metadata = _reference_system(frame.crs)
    metadata["title"] = "; ".join([title, *metadata.pop("notes")])
    if vertices:
        corners = np.array(list(vertices)) * MILLIMETRE + np.array([*origin, 0])
        metadata["geographicalExtent"] = [round(v, 3) for v in (*corners.min(axis=0), *corners.max(axis=0))]
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [MILLIMETRE] * 3, "translate": [*origin, 0]},
        "metadata": metadata,
        "CityObjects": objects,
        "vertices": [list(vertex) for vertex in vertices],
    }


def _name(source: str, outline: BaseGeometry) -> str:
    """Return the name of a building: a version 5 UUID (RFC 9562) of its source and its outline in whole millimetres."""
    shape = shapely.normalize(shapely.set_precision(outline, MILLIMETRE))
    return f"building-{uuid.uuid5(uuid.NAMESPACE_URL, f'{source}/{shapely.to_wkb(shape, hex=True)}')}"


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


def _building(
    row: dict[str, Any], outline: BaseGeometry, origin: tuple[int, int], vertices: dict[Vertex, int]
) -> dict[str, Any]:
    """Return a CityObject and add its vertices."""
    numbers = {name: None if math.isnan(row[name]) else row[name] for name in ("height_m", "height_max_m", "ground_m")}
    attributes = {"building_id": row["building_id"], **numbers}
    attributes |= {"area_m2": row["area_m2"], "base_m": numbers["ground_m"] or 0.0}
    base, top = (round(level / MILLIMETRE) for level in _levels(attributes))
    solids = [
        {"type": "Solid", "lod": "1", "boundaries": [_shell(part, base, top, vertices)]}
        for part in _parts(outline, origin)
        if top > base
    ]
    return {"type": "Building", "attributes": attributes, "geometry": solids}


def _levels(attributes: dict[str, Any]) -> tuple[float, float]:
    return attributes["base_m"], attributes["base_m"] + (attributes["height_m"] or 0.0)


def _parts(outline: BaseGeometry, origin: tuple[int, int]) -> list[Polygon]:
    """Return the outline in whole millimetres from the origin, outer ring counter-clockwise, not touching itself."""
    local = shapely.transform(outline, lambda xy: xy - origin)
    if len(corners := shapely.get_coordinates(local)) - 1 - shapely.get_num_interior_rings(outline) > len(
        np.unique(corners, axis=0)
    ):
        local = local.buffer(-GAP_M, join_style="mitre")
    rounded = shapely.set_precision(local, MILLIMETRE)
    in_mm = shapely.transform(rounded, lambda xy: np.rint(xy / MILLIMETRE))
    return [orient(part) for part in shapely.get_parts(in_mm) if part.area > 0]


def _shell(outline: Polygon, base: int, top: int, vertices: dict[Vertex, int]) -> Faces:
    """Return the faces of a block, each counter-clockwise as seen from outside."""
    rings = [np.asarray(ring.coords)[:-1].astype(int).tolist() for ring in (outline.exterior, *outline.interiors)]
    floor, roof = (
        [[vertices.setdefault((x, y, level), len(vertices)) for x, y in ring] for ring in rings]
        for level in (base, top)
    )
    walls = [
        [[below[i - 1], below[i], above[i], above[i - 1]]]
        for below, above in zip(floor, roof, strict=True)
        for i in range(len(below))
    ]
    return [[ring[::-1] for ring in floor], roof, *walls]
