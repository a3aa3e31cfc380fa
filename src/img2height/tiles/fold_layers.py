"""The folds as layers of a map, for a geographic information system."""

import geopandas

from img2height.scenes.scene import Scene
from img2height.tiles.areas import reproject
from img2height.tiles.folds import Folds

GEOGRAPHIC = "EPSG:4326"


def fold_layers(scenes: list[Scene], folds: Folds) -> dict[str, geopandas.GeoDataFrame]:
    """Return the layers `areas` and `tiles` in map coordinates: in the CRS of the scenes, or EPSG:4326 if they differ.

    Args:
        scenes: the scenes of the folds.
        folds: their division.
    """
    systems = {scene.grid.crs.to_wkt(): scene.grid.crs for scene in scenes}
    crs = next(iter(systems.values())) if len(systems) == 1 else GEOGRAPHIC
    grids = {(scene.dataset, scene.name): scene.grid for scene in scenes}
    names = zip(folds.areas["dataset"], folds.areas["scene"], strict=True)
    outlines = [reproject(area, grids[name], crs) for area, name in zip(folds.areas.geometry, names, strict=True)]
    areas = geopandas.GeoDataFrame(folds.areas.drop(columns="geometry"), geometry=outlines, crs=crs)
    return {"areas": areas, "tiles": folds.tiles.to_crs(crs)}
