"""Files of buildings: the suffix decides the format."""

from collections.abc import Callable
from pathlib import Path

import geopandas
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from img2height.buildings.cityjson import write_cityjson, write_cityjson_sequence
from img2height.buildings.polygons import COLUMNS
from img2height.buildings.style import qml, style_table
from img2height.errors import DataError
from img2height.io.atomic import atomic_path
from img2height.io.projections import place_of, reproject_table
from img2height.io.tables import write_layers, write_table
from img2height.io.vectors import columns_by_layer

LAYER, STYLES = "buildings", "layer_styles"
WEB_MERCATOR = "EPSG:3857"
# A tile of the highest zoom has 4096 units on 1.2 km at the equator: finer zooms would only repeat its outlines.
ZOOMS = {"MINZOOM": "12", "MAXZOOM": "15"}


def write_buildings(frame: geopandas.GeoDataFrame, path: Path, source: str) -> None:
    """Write buildings in the format of a suffix of `WRITERS`; equal buildings give equal bytes.

    Args:
        frame: as returned by `extract`; may be empty.
        path: the file; appears only when it is complete.
        source: see `write_cityjson`.

    Raises:
        DataError: there is no format for the suffix, or the file could not be written.
    """
    WRITERS[suffix_of(path)](frame, path, source)


def suffix_of(path: Path) -> str:
    """Return the suffix of `WRITERS` that a name ends with."""
    found = [suffix for suffix in WRITERS if path.name.endswith(suffix)]
    if not found:
        raise DataError(f"{path}: there is no format for this name; end it in one of {', '.join(WRITERS)}")
    return found[0]


def other_layers(path: Path) -> list[str]:
    """Return the layers of a GeoPackage that are not exactly as `write_buildings` makes them, sorted.

    Args:
        path: an existing file; the style counts too if somebody has changed it, or added one.
    """
    columns = columns_by_layer(path)
    own = {LAYER} if set(COLUMNS) <= columns.get(LAYER, set()) else set()
    if STYLES in columns:
        styles = pyogrio.read_dataframe(path, layer=STYLES, read_geometry=False)
        own |= {STYLES} if list(styles.get("styleQML", [])) == [qml()] else set()
    return sorted(set(columns) - own)


def _write_geopackage(frame: geopandas.GeoDataFrame, path: Path) -> None:
    write_layers({LAYER: frame, STYLES: style_table(LAYER)}, path)


def _write_tiles(frame: geopandas.GeoDataFrame, path: Path) -> None:
    """Write vector tiles, which are always in Web Mercator."""
    if frame.empty:
        raise DataError(f"{path}: there are no buildings, and vector tiles cannot be empty; choose another format")
    west, south, east, north = frame.total_bounds
    place = place_of((west, south, east, north), frame.crs)
    _write(reproject_table(frame, WEB_MERCATOR, place), path, "PMTiles", ZOOMS)


def _write(frame: geopandas.GeoDataFrame, path: Path, driver: str, options: dict[str, str] | None = None) -> None:
    """Write one layer in a format of GDAL."""
    try:
        with atomic_path(path) as temporary:
            pyogrio.write_dataframe(frame, temporary, layer=LAYER, driver=driver, dataset_options=options)
    except (DataSourceError, DataLayerError) as error:
        raise DataError(f"{path}: could not be written ({error}); is the disk full?") from error


WRITERS: dict[str, Callable[[geopandas.GeoDataFrame, Path, str], None]] = {
    ".parquet": lambda frame, path, _: write_table(frame, path),
    ".gpkg": lambda frame, path, _: _write_geopackage(frame, path),
    ".city.json": write_cityjson,
    ".city.jsonl": write_cityjson_sequence,
    ".fgb": lambda frame, path, _: _write(frame, path, "FlatGeobuf"),
    ".pmtiles": lambda frame, path, _: _write_tiles(frame, path),
}
