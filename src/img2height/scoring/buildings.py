"""Reference buildings of a scene, and their matches with predicted ones in a test area."""

import geopandas
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from img2height.buildings.polygons import extract
from img2height.io.projections import reproject_table
from img2height.io.rasters import open_raster, read_heights
from img2height.io.tables import read_geotable
from img2height.metrics.buildings import InstanceStatistics
from img2height.metrics.matching import overlaps
from img2height.scenes.scene import Scene
from img2height.vocabulary.layers import MISSING


def reference_buildings(scene: Scene) -> geopandas.GeoDataFrame | None:
    """Return the reference polygons of a scene, otherwise those of its building mask and heights, otherwise None."""
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
    """Return the matches of the buildings inside an area and outside the nodata of the building mask.

    Buildings are cut at the border of the area, because predictions end there. If less than half of a reference
    building is inside, neither that building nor predictions on its inner part count.

    Args:
        scene: with the building mask, if any.
        predicted: polygons in the CRS of the scene.
        reference: polygons in the CRS of the scene; None if the scene has no reference buildings.
        area: test area in pixel coordinates.
        iou_min: smallest overlap of a match.
    """
    if reference is None:
        return InstanceStatistics()
    on_map = scene.grid.to_map(area)
    whole, proposed = (np.asarray(shapely.make_valid(frame.geometry.to_numpy())) for frame in (reference, predicted))
    inside, found = (np.asarray(shapely.intersection(shapes, on_map)) for shapes in (whole, proposed))
    counts = shapely.area(inside) >= shapely.area(whole) / 2
    ignored = shapely.union_all(inside[~counts])
    found = found[shapely.area(shapely.intersection(found, ignored)) * 2 <= shapely.area(found)]
    sides = [side[~shapely.is_empty(side)] for side in (found, inside[counts])]
    ours, theirs = (side[_has_mask(scene, side)] for side in sides)
    return InstanceStatistics.of_detection(overlaps(ours, theirs), iou_min)


def _has_mask(scene: Scene, shapes: np.ndarray) -> np.ndarray:
    """Return a bool array, false where the building mask is nodata (255) at a point inside the shape."""
    if "building" not in scene.layers:
        return np.ones(len(shapes), dtype=bool)
    with open_raster(scene.path("building")) as mask:
        values = mask.sample(shapely.get_coordinates(shapely.point_on_surface(shapes)))
        return np.array([value[0] != MISSING for value in values], dtype=bool)
