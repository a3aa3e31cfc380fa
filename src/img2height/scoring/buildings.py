"""Reference buildings of a scene, and how many of them were found in a test area."""

import geopandas
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from img2height.buildings.polygons import extract
from img2height.io.projections import reproject_table
from img2height.io.rasters import open_raster, read_heights
from img2height.io.tables import read_geotable
from img2height.metrics.instances import InstanceStatistics, match_instances
from img2height.scenes.scene import Scene
from img2height.vocabulary.layers import MISSING


def reference_buildings(scene: Scene) -> geopandas.GeoDataFrame | None:
    """Return the reference polygons of a scene, else those of its building mask and heights, else None."""
    if "buildings" in scene.layers:
        delivered = read_geotable(scene.path("buildings"))
        return reproject_table(delivered, scene.grid.crs, scene.grid.place)
    if not {"building", "ndsm"} <= scene.layers.keys():
        return None
    with open_raster(scene.path("building")) as mask, open_raster(scene.path("ndsm")) as heights:
        return extract(read_heights(heights), mask.read(1), scene.grid.transform, scene.grid.crs, simplify_m=0.0)


def match_buildings(
    scene: Scene,
    predicted: geopandas.GeoDataFrame,
    reference: geopandas.GeoDataFrame | None,
    area: BaseGeometry,
    iou_min: float,
) -> InstanceStatistics:
    """Return the matches among buildings that stand in the area and not on ground of unknown use.

    Buildings are cut at the border of the area, for predictions end there. Where less than half of a reference lies
    inside, it counts on neither side, and what was predicted on that piece does not count either.

    Args:
        scene: gives the mask that says where the use of the ground is unknown.
        predicted: polygons in the CRS of the scene.
        reference: polygons in the CRS of the scene; None has nothing to match.
        area: test area in pixel coordinates.
        iou_min: smallest overlap of a match.
    """
    if reference is None:
        return InstanceStatistics()
    ground = scene.grid.to_map(area)
    whole, told = (np.asarray(shapely.make_valid(frame.geometry.to_numpy())) for frame in (reference, predicted))
    inside, found = (np.asarray(shapely.intersection(shapes, ground)) for shapes in (whole, told))
    counts = shapely.area(inside) >= shapely.area(whole) / 2
    ignored = shapely.union_all(inside[~counts])
    found = found[shapely.area(shapely.intersection(found, ignored)) * 2 <= shapely.area(found)]
    sides = [side[~shapely.is_empty(side)] for side in (found, inside[counts])]
    ours, theirs = (side[_known_use(scene, side)] for side in sides)
    return match_instances(ours, theirs, iou_min)


def _known_use(scene: Scene, shapes: np.ndarray) -> np.ndarray:
    """Return a bool array, false where the building mask says 255 (unknown) under a point."""
    if "building" not in scene.layers:
        return np.ones(len(shapes), dtype=bool)
    with open_raster(scene.path("building")) as mask:
        values = mask.sample(shapely.get_coordinates(shapely.point_on_surface(shapes)))
        return np.array([value[0] != MISSING for value in values], dtype=bool)
