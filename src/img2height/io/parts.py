"""All files that a raster or vector is read from: sidecars, parts of mosaics at any depth, files of a geodatabase."""

import re
from collections.abc import Iterator
from pathlib import Path

from img2height.errors import DataError

DATA = (  # never a sidecar, also beside a raster of the same stem: images, and what predictions write
    ".tif", ".tiff", ".vrt", ".jp2", ".png", ".jpg", ".gpkg", ".parquet", ".fgb", ".pmtiles", ".geojson", ".json",
    ".jsonl", ".csv", ".las", ".laz",
)  # fmt: skip
ARCHIVES = "/vsi"  # where GDAL mounts archives and servers
SOURCES = re.compile(r"<SrcDataSource[^>]*>([^<]*)</SrcDataSource>")  # of a vector mosaic


def parts_of(path: Path) -> list[Path]:
    """Return all files that a raster or vector file is read from, itself first.

    Files beside it that share its name or stem count: place, mask and statistics of a raster may lie there.

    Args:
        path: a file, or a folder as geodatabases are.

    Raises:
        DataError: a part lies in an archive or on a server, where it may change unseen, or a mosaic cannot be read.
    """
    return list(dict.fromkeys(_parts(path, {})))


def _parts(path: Path, listed: dict[Path, dict[str, list[Path]]]) -> Iterator[Path]:
    if str(path).startswith(ARCHIVES):
        raise DataError(
            f"{path}: lies in an archive or on a server, where it may change unseen; unpack or copy it here"
        )
    if path.is_dir():
        yield from sorted(file for file in path.rglob("*") if file.is_file())
        return
    yield path
    if path.parent not in listed:  # once for all parts of a mosaic
        listed[path.parent] = _by_beginning(path.parent)
    siblings = listed[path.parent].get(path.stem, [])
    yield from sorted(file for file in siblings if file.is_file() and file.suffix.lower() not in DATA)
    if path.suffix.lower() == ".vrt":
        for part in mosaicked(path):
            yield from _parts(part, listed)


def _by_beginning(folder: Path) -> dict[str, list[Path]]:
    """Return the files of a folder by each beginning of their names that ends before a dot."""
    found: dict[str, list[Path]] = {}
    for file in folder.iterdir():
        words = file.name.split(".")
        for count in range(1, len(words)):
            found.setdefault(".".join(words[:count]), []).append(file)
    return found


def mosaicked(path: Path) -> list[Path]:
    """Return the files that a mosaic (VRT) of rasters or vectors names itself."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if "<OGRVRTDataSource" in text:
        return [path.parent / source for source in SOURCES.findall(text)]
    from img2height.io.rasters import open_raster  # a quarter of a second that no other file takes

    with open_raster(path) as mosaic:
        return [Path(name) for name in mosaic.files if Path(name) != path and not name.endswith(".aux.xml")]
