"""Tables and JSON on disk, written as a whole or not at all, with the same bytes each time."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import geopandas
import pandas
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from img2height.errors import DataError
from img2height.io.atomic import atomic_path

Frame = TypeVar("Frame", bound=pandas.DataFrame)

SEAL = "content_sha256"

# A GeoPackage stores when it was written; a fixed date makes the bytes depend on the content only.
# One date for all files, and no thread for the index: on one processor there is none, and the bytes would differ.
GPKG_OPTIONS = {"OGR_CURRENT_DATE": "2000-01-01T00:00:00Z", "OGR_GPKG_ALLOW_THREADED_RTREE": "NO"}


def write_table(frame: pandas.DataFrame | geopandas.GeoDataFrame, path: str | Path) -> None:
    """Write a table as Parquet, or as GeoParquet with a covering box if it has geometries."""
    with atomic_path(path) as temporary:
        if isinstance(frame, geopandas.GeoDataFrame):
            frame.to_parquet(temporary, index=False, write_covering_bbox=True)
        else:
            frame.to_parquet(temporary, index=False)


def read_table(path: str | Path) -> pandas.DataFrame:
    """Return a Parquet table, or raise a DataError that names the file."""
    return _read(pandas.read_parquet, path)


def read_geotable(path: str | Path) -> geopandas.GeoDataFrame:
    """Return a GeoParquet table, or raise a DataError that names the file."""
    return _read(geopandas.read_parquet, path)


def _read(reader: Any, path: str | Path) -> Any:
    if not Path(path).exists():
        raise DataError(f"{path}: this table does not exist; make it first")
    try:
        return reader(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as a Parquet table ({error}); make it again") from error


def rows_of(frame: pandas.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table, each by column."""
    return cast(list[dict[str, Any]], frame.to_dict("records"))


def by_columns(frame: Frame, columns: Sequence[str]) -> Iterator[tuple[tuple[Any, ...], Frame]]:
    """Yield the values of some columns and the rows that have them, in the order of the values."""
    yield from cast(Iterable[tuple[tuple[Any, ...], Frame]], frame.groupby(list(columns)))


def write_geopackage(frame: geopandas.GeoDataFrame, path: str | Path, layer: str) -> None:
    """Write polygons as one layer of a GeoPackage; see `write_layers`."""
    write_layers({layer: frame}, path)


def write_layers(layers: Mapping[str, pandas.DataFrame], path: str | Path) -> None:
    """Write tables as layers of a GeoPackage; the same tables give the same bytes.

    Args:
        layers: tables by name of the layer, of polygons and multipolygons or without geometries.
        path: the file; appears only when it is complete.

    Raises:
        DataError: the file could not be written, for example because the disk is full.
    """
    before = {name: pyogrio.get_gdal_config_option(name) for name in GPKG_OPTIONS}
    pyogrio.set_gdal_config_options(GPKG_OPTIONS)
    try:
        with atomic_path(path) as temporary:
            for layer, frame in layers.items():
                pyogrio.write_dataframe(frame, temporary, layer=layer, driver="GPKG", **_geometry_type(frame))
    except (DataSourceError, DataLayerError) as error:
        raise DataError(f"{path}: could not be written ({error}); is the disk full?") from error
    finally:
        pyogrio.set_gdal_config_options(before)


def _geometry_type(frame: pandas.DataFrame) -> dict[str, Any]:
    """Return the arguments of pyogrio for the geometries of a layer."""
    if not isinstance(frame, geopandas.GeoDataFrame):
        return {}
    many = bool((frame.geom_type == "MultiPolygon").any())
    return {"geometry_type": "MultiPolygon" if many else "Polygon", "promote_to_multi": many}


def write_json(value: Any, path: str | Path) -> None:
    """Write JSON with sorted keys; NaN is refused, because it is not valid JSON."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: str | Path) -> Any:
    """Return the value of a JSON file, or raise a DataError that names it."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: this file does not exist; make it first") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: is not valid JSON ({error}); make it again") from error


def write_sealed(value: dict[str, Any], path: str | Path) -> None:
    """Write JSON that contains a digest of its own content, so that a later change is noticed."""
    write_json({**value, SEAL: _seal(value)}, path)


def read_sealed(path: str | Path) -> dict[str, Any]:
    """Return the content written by `write_sealed`, with its seal.

    Raises:
        DataError: the file is missing, is not a JSON object, has no seal, or was altered.
    """
    value = read_json(path)
    if not isinstance(value, dict) or SEAL not in value:
        raise DataError(f"{path}: has no key {SEAL}; it is damaged or was made by another version: make it again")
    if (found := _seal({key: inner for key, inner in value.items() if key != SEAL})) != value[SEAL]:
        raise DataError(f"{path}: was altered, its content has the SHA-256 digest {found}, its seal is {value[SEAL]}")
    return value


def _seal(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, allow_nan=False).encode()).hexdigest()
