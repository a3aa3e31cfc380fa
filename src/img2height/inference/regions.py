"""Regions of neighbouring images: those that touch are predicted as one, so that no seam stands between files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely import STRtree

from img2height.errors import DataError
from img2height.importing.laying import on_the_map
from img2height.io.bands import stated_bands
from img2height.io.grid import Grid
from img2height.io.rasters import open_raster
from img2height.io.vrt import write_mosaic

NEAR_PX = 2  # images that are nearer touch


@dataclass(frozen=True)
class Region:
    """Images that touch each other, on one lattice of pixels.

    Attributes:
        name: that of its first image, without suffix.
        files: in the order of their names; where they overlap the last is seen.
        grids: of the files.
    """

    name: str
    files: list[Path]
    grids: list[Grid]

    def raster(self, folder: Path) -> Path:
        """Return the one image, or a mosaic of all of them in a folder; an existing one that is the same is kept.

        A prediction is resumed only if its input was not written again.
        """
        if len(self.files) == 1:
            return self.files[0]
        path = folder / f"{self.name}_and_{len(self.files) - 1}_more.vrt"
        new = path.with_suffix(".new")
        laid = on_the_map(self.files, None)
        write_mosaic(new, laid.grid, laid.parts, crs=laid.crs)
        if path.exists() and path.read_bytes() == new.read_bytes():
            new.unlink()
        else:
            new.replace(path)
        return path


def find_regions(files: Sequence[Path]) -> list[Region]:
    """Return the regions of images, in the order of their first files.

    Images of another coordinate system, pixel size or lattice are other regions, even where they touch.

    Args:
        files: images; their names without suffix are those of their heights.

    Raises:
        DataError: two have the same name, one has no place on the map, or their bands or types differ.
    """
    files = sorted(files)
    _require_own_names(files)
    grids = _grids(files)
    systems: dict[str, list[int]] = {}
    for number, grid in enumerate(grids):
        systems.setdefault(grid.crs.to_wkt(), []).append(number)
    groups = [group for numbers in systems.values() for group in _touching(numbers, grids)]
    return [
        Region(files[group[0]].stem, [files[n] for n in group], [grids[n] for n in group]) for group in sorted(groups)
    ]


def _require_own_names(files: Sequence[Path]) -> None:
    seen: dict[str, Path] = {}
    for file in files:
        if (other := seen.setdefault(file.stem, file)) != file:
            raise DataError(f"{other} and {file}: the heights of both would have the name {file.stem}.tif; rename one")


def _grids(files: Sequence[Path]) -> list[Grid]:
    """Return the grids of images, which all have the same bands."""
    grids, first = [], None
    for file in files:
        with open_raster(file) as raster:
            if raster.crs is None:
                raise DataError(
                    f"{file}: has no coordinate reference system; write it into the file: rio edit-info --crs"
                )
            found = raster.dtypes, stated_bands(raster), raster.nodatavals
            if first is None:
                first = found
            if repr(found) != repr(first):
                raise DataError(
                    f"{files[0]} and {file} differ in bands, types or nodata: {_text(first)} and {_text(found)}; "
                    "predict them in calls of their own"
                )
            grids.append(Grid.of(raster))
    return grids


def _text(look: tuple[Sequence[object], ...]) -> str:
    dtypes, names, nodata = look
    return f"{len(dtypes)} of {dtypes[0]} ({', '.join(str(name or '?') for name in names)}; nodata {nodata[0]})"


def _touching(numbers: Sequence[int], grids: Sequence[Grid]) -> list[list[int]]:
    """Return the groups of images of one coordinate system that are connected by touching ones of one lattice."""
    boxes = [shapely.box(*grids[n].bounds) for n in numbers]
    near = [NEAR_PX * abs(grids[n].transform.determinant) ** 0.5 for n in numbers]
    pairs = STRtree(boxes).query(shapely.buffer(boxes, near, join_style="mitre"), predicate="intersects")
    apart = [not grids[numbers[a]].aligned_with(grids[numbers[b]]) for a, b in pairs.T]
    pairs = pairs[:, ~np.array(apart)]
    links = coo_array((np.ones(pairs.shape[1], bool), pairs), shape=(len(boxes), len(boxes)))
    _, labels = connected_components(links, directed=False)
    order = np.argsort(labels, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    return [sorted(numbers[n] for n in group) for group in groups]
