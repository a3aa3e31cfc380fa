"""Reads one layer of polygons from delivered vector files of any format, or raises a one-line error."""

import logging
from pathlib import Path

import geopandas
import numpy as np
import pandas
import pyogrio
import pyproj
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from img2height.errors import DataError
from img2height.vocabulary.storage import PARQUET

logger = logging.getLogger(__name__)

NUMBER = r"^\s*([+-]?\d+(?:[.,]\d+)?)\s*(?:m|metres?|meters?)?\s*$"  # "12 m", "3,5"


def read_polygons(path: Path, what: str, layer: str | None = None) -> geopandas.GeoDataFrame:
    """Return the polygons of one layer of a vector file in its CRS; rows without a geometry are dropped.

    Invalid polygons are repaired. Lines and points left by a repair, e.g. of a spike, are dropped.

    Args:
        path: GeoParquet, or any format that GDAL reads.
        what: what the polygons are, for messages, e.g. `building_polygons`.
        layer: name of the layer; optional if the file has only one.

    Raises:
        DataError: the file is missing, cannot be read, has no CRS, has several layers of which none is named, or
            contains anything but polygons.
    """
    frame = read_features(path, what, layer)
    kinds = frame.geom_type
    if wrong := sorted(set(kinds.dropna()) - {"Polygon", "MultiPolygon"}):
        raise DataError(f"{path}: {what} must be polygons, found also {', '.join(wrong)}; remove those")
    kept = frame[kinds.notna() & ~frame.is_empty].reset_index(drop=True)
    return kept.set_geometry(geopandas.GeoSeries(polygon_parts(kept.geometry.to_numpy()), crs=kept.crs))


def read_features(
    path: Path, what: str, layer: str | None = None, crs: pyproj.CRS | None = None
) -> geopandas.GeoDataFrame:  # fmt: skip
    """Return one layer of a vector file in its CRS, whatever its geometries are; see `read_polygons`.

    Args:
        path: the file.
        what: it contains, for messages.
        layer: its name; None if there is only one.
        crs: of a file that states none.
    """
    frame = _read(path, what, layer)
    if crs is not None and isinstance(frame, geopandas.GeoDataFrame) and frame.crs is None:
        frame = frame.set_crs(crs)
    if not isinstance(frame, geopandas.GeoDataFrame) or frame.crs is None:
        raise DataError(f"{path}: {what} has no geometries or no coordinate reference system; add it to the file")
    return frame


def polygon_parts(geometries: np.ndarray) -> np.ndarray:
    """Return valid polygons or multipolygons of the same area, one per geometry; may be empty.

    Args:
        geometries: shapely polygons, valid or not.
    """
    valid = shapely.make_valid(geometries)
    mixed = np.flatnonzero(shapely.get_type_id(valid) == shapely.GeometryType.GEOMETRYCOLLECTION)
    for index in mixed:
        parts = shapely.get_parts(valid[index])
        valid[index] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    return valid


def numbers(column: pandas.Series, where: str) -> np.ndarray:
    """Return a column as float64, NaN where it is empty; text like "12 m" or "3,5" is parsed.

    Values that cannot be parsed are NaN too, and counted in a warning.

    Args:
        column: numbers, or text in metres.
        where: file and column, for the warning.
    """
    if pandas.api.types.is_numeric_dtype(column):
        return column.to_numpy(np.float64, na_value=np.nan)
    text = column.astype("string")
    parsed = text.str.extract(NUMBER)[0].str.replace(",", ".").astype("Float64")
    failed = text[parsed.isna() & text.notna() & (text.str.strip() != "")]
    if len(failed):
        logger.warning("%s: %d of %d values are not numbers, e.g. %r; they count as missing", where, len(failed),
                       len(text), failed.iloc[0])  # fmt: skip
    return parsed.to_numpy(np.float64, na_value=np.nan)


def columns_by_layer(path: Path) -> dict[str, set[str]]:
    """Return the names of the columns of each layer of a vector file.

    Raises:
        DataError: the file is none.
    """
    try:
        names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
        return {name: {str(column) for column in pyogrio.read_info(path, layer=name)["fields"]} for name in names}
    except DataSourceError as error:
        raise DataError(f"{path}: is not a vector file ({error}); remove it, or choose another name") from error


def _read(path: Path, what: str, layer: str | None) -> geopandas.GeoDataFrame | pandas.DataFrame:
    if not path.exists():
        raise DataError(f"{path}: {what} does not exist; check the path")
    try:
        if path.suffix.lower() in PARQUET:
            return geopandas.read_parquet(path)
        return pyogrio.read_dataframe(path, layer=_layer(path, what, layer))
    except (DataSourceError, DataLayerError, ValueError, OSError) as error:
        raise DataError(f"{path}: cannot be read as a vector file ({error}); copy or convert it again") from error


def _layer(path: Path, what: str, layer: str | None) -> str:
    """Return the layer to read; if it is ambiguous, it must be named.

    Tables without geometries do not count: QGIS stores the styles of layers in one.
    """
    names = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    if layer is None and len(names) == 1:
        return names[0]
    if layer in names:
        return layer
    found = "no layer" if layer is None else f"no layer {layer!r}"
    asked = "the file has several layers" if layer is None and names else f"the file has {found}"
    raise DataError(f"{path}: {what}: {asked}; name one of {', '.join(names)} (key or option layer)")
