"""Scenes without pixels, settings and tile tables for tests of areas."""

from dataclasses import replace
from pathlib import Path

import geopandas
import pandas
import shapely
from affine import Affine
from rasterio.crs import CRS

from img2height.io.grid import Grid
from img2height.scenes.listing import ListedScene
from img2height.scenes.scene import Scene
from img2height.settings.protocol import Split
from img2height.tiles.folds import IndexedScene
from img2height.tiles.index import tile_offsets
from img2height.vocabulary.parts import Role

PARTS = {"train": [[0.0, 0.6]], "val": [[0.6, 0.7]], "test": [[0.7, 1.0]]}


def bare_scene(width: int, height: int, *, name="s", west=500_000.0, north=5_800_000.0, gsd=1.0, epsg=32633) -> Scene:
    """Return a scene that is only a grid."""
    grid = Grid(CRS.from_epsg(epsg), Affine(gsd, 0, west, 0, -gsd, north), width, height)
    return Scene(Path(name), "d", name, grid, {})


def turned(scene: Scene, degrees: float) -> Scene:
    """Return a scene whose grid is turned around its first corner."""
    return replace(scene, grid=replace(scene.grid, transform=scene.grid.transform @ Affine.rotation(degrees)))


def split(
    strategy="vertical_stripes", *, n_folds=3, buffer_m=0.0, block_m=64.0, axis="column", parts=None, **more
) -> Split:
    """Return split settings."""
    return Split(
        strategy=strategy, n_folds=n_folds, buffer_m=buffer_m, block_m=block_m, axis=axis, parts=parts or PARTS, **more
    )


def listed(scenes: list[Scene], roles: list[Role]) -> list[ListedScene]:
    """Return scenes with their roles."""
    return [ListedScene(scene, role) for scene, role in zip(scenes, roles, strict=True)]


def indexed(scenes: list[Scene], roles: list[Role], size: int, stride: int) -> list[IndexedScene]:
    """Return scenes with their roles and tile indexes; they are valid everywhere."""
    return [IndexedScene(*each, regular_tiles(each.scene, size, stride)) for each in listed(scenes, roles)]


def regular_tiles(scene: Scene, size: int, stride: int) -> geopandas.GeoDataFrame:
    """Return the tile index of a scene that is valid everywhere."""
    rows, cols = (tile_offsets(length, size, stride) for length in scene.grid.shape)
    corners = [(col, row) for row in rows for col in cols]
    frame = pandas.DataFrame(corners, columns=["col_off", "row_off"])
    frame["tile_id"] = [f"d/{scene.name}/{row:06d}_{col:06d}" for col, row in corners]
    frame["dataset"], frame["scene"], frame["size_px"] = "d", scene.name, size
    outlines = [scene.grid.to_map(shapely.box(col, row, col + size, row + size)) for col, row in corners]
    return geopandas.GeoDataFrame(frame, geometry=outlines, crs=scene.grid.crs)
