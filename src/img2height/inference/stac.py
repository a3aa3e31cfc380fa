"""STAC items of height maps, so that catalogues and QGIS find them, and a collection of several.

https://github.com/radiantearth/stac-spec, version 1.1, with the extensions projection, raster and file.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import shapely

from img2height.io.atomic import file_digest
from img2height.io.grid import Grid
from img2height.io.projections import GEOGRAPHIC
from img2height.io.rasters import open_raster
from img2height.io.tables import write_json
from img2height.models.stac import ALWAYS, SHA256

VERSION = "1.1.0"
EXTENSIONS = [
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v2.0.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
]
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
COLLECTION, ITEM, HEIGHTS = "collection.json", ".json", "heights"
HEIGHTS_OF = "Heights of"
LINKS = [
    {"rel": rel, "href": f"./{COLLECTION}", "type": "application/json"} for rel in ("root", "parent", "collection")
]
DIGITS = 7  # of degrees: a centimetre


def write_catalogue(rasters: Sequence[Path], folder: Path) -> None:
    """Write an item beside each height map, and a collection of all in the folder if there are several.

    Args:
        rasters: height maps in the folder; those of earlier calls stay in the collection.
        folder: of the items.
    """
    for path in rasters:
        write_json(height_item(path), path.with_suffix(ITEM))
    beside = [path.with_suffix(ITEM) for path in sorted(folder.glob("*.tif"))]  # other files may be large
    items = {path: item for path in beside if HEIGHTS in (item := _own(path)).get("assets", {})}
    if len(items) < 2:
        (folder / COLLECTION).unlink(missing_ok=True)  # of rasters that are gone
        return
    name = folder.resolve().name
    for path, item in items.items():
        if item.get("collection") != name:
            write_json(item | {"collection": name, "links": LINKS}, path)
    write_json(_collection(list(items.values()), name), folder / COLLECTION)


def is_ours(path: Path) -> bool:
    """Return whether a JSON file is an item or collection that `write_catalogue` wrote."""
    return bool(_own(path))


def _own(path: Path) -> dict[str, Any]:
    """Return an item or collection that `write_catalogue` wrote; empty for any other file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    ours = str(found.get("description", "")).startswith(HEIGHTS_OF) or HEIGHTS in (found.get("assets") or {})
    return found if ours else {}


def height_item(path: Path) -> dict[str, Any]:
    """Return the item of a height map; the date of its image is not recorded, so that it is valid at any time."""
    with open_raster(path) as raster:
        grid, tags = Grid.of(raster), raster.tags()
        bands = [
            {
                "name": name or f"band_{number}", "data_type": raster.dtypes[number - 1], "nodata": raster.nodata,
                "unit": raster.units[number - 1] or "1", "raster:spatial_resolution": grid.gsd_m,
            }
            for number, name in enumerate(raster.descriptions, 1)
        ]  # fmt: skip
    outline = shapely.set_precision(grid.to_crs(grid.extent, GEOGRAPHIC), 10**-DIGITS)
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": EXTENSIONS,
        "id": path.stem,
        "geometry": shapely.geometry.mapping(outline),
        "bbox": [round(edge, DIGITS) for edge in outline.bounds],
        "properties": {
            **ALWAYS,
            "title": f"Heights of {path.stem} by {tags.get('IMG2HEIGHT_METHOD', 'img2height')}",
            "gsd": grid.gsd_m,
            **_projection(grid),
        },
        "links": [],
        "assets": {
            HEIGHTS: {
                "href": f"./{path.name}", "type": COG, "roles": ["data"], "bands": bands,
                "file:size": path.stat().st_size, "file:checksum": SHA256 + file_digest(path),
            }
        },
    }  # fmt: skip


def _projection(grid: Grid) -> dict[str, Any]:
    """Return the fields of the projection extension: a code, or WKT for systems that have none."""
    found = grid.to_json()
    coded = found["crs"].startswith("EPSG:")
    system = {"proj:code": found["crs"]} if coded else {"proj:code": None, "proj:wkt2": found["crs"]}
    return {
        **system,
        "proj:shape": list(grid.shape),
        "proj:transform": found["transform"],
        "proj:bbox": list(grid.bounds),
    }


def _collection(items: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    boxes = [item["bbox"] for item in items]
    whole = [edge(box[n] for box in boxes) for n, edge in enumerate((min, min, max, max))]
    links = [{"rel": "item", "href": f"./{item['id']}{ITEM}", "type": "application/geo+json"} for item in items]
    return {
        "type": "Collection",
        "stac_version": VERSION,
        "id": name,
        "description": f"{HEIGHTS_OF} {len(items)} images",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [whole]},
            "temporal": {"interval": [[ALWAYS["start_datetime"], ALWAYS["end_datetime"]]]},
        },
        "links": [{"rel": "root", "href": f"./{COLLECTION}", "type": "application/json"}, *links],
    }
