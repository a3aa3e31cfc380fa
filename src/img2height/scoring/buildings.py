"""Scores of the buildings of a scene: which were found, their outlines, heights and volumes."""

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import geopandas
import numpy as np
import pandas
import shapely
from shapely.geometry.base import BaseGeometry

from img2height.buildings.polygons import extract
from img2height.heights import read_above_ground
from img2height.io.projections import reproject_table
from img2height.io.rasters import open_raster, read_heights
from img2height.io.tables import read_geotable
from img2height.io.vectors import polygon_parts
from img2height.metrics.buildings import classes_of, detection_terms, error_terms, shape_terms
from img2height.metrics.matching import Overlaps, match, overlaps
from img2height.metrics.polygons import shape_measures
from img2height.scenes.scene import Scene
from img2height.scoring.building_tiles import FOUND, GIVEN, INSTANCES, BuildingStatistics, stratum_of, tiles_of
from img2height.scoring.outlines import outline_heights
from img2height.settings.protocol import Metrics
from img2height.vocabulary.layers import MISSING
from img2height.vocabulary.quantities import RELATIVE, TERRAIN


class Compared(NamedTuple):
    """The buildings of a test area that count, cut at its border, because predictions end there.

    Attributes:
        predicted: rows of the predicted table, with the bool column `whole`: not cut, and not touching the border.
        reference: rows of the reference, the same.
        pairs: of the two that share area.
    """

    predicted: geopandas.GeoDataFrame
    reference: geopandas.GeoDataFrame
    pairs: Overlaps


class Outcomes(NamedTuple):
    """The polygons of buildings by outcome, in map coordinates: object arrays.

    Attributes:
        right: predicted buildings that match a reference building.
        false: predicted buildings without a match.
        missed: reference buildings without a match.
    """

    right: np.ndarray
    false: np.ndarray
    missed: np.ndarray


def outcomes(compared: Compared, iou_min: float) -> Outcomes:
    """Return the buildings that count by outcome of the matching; see `match`."""
    matches = match(compared.pairs, iou_min)
    ours, theirs = (side.geometry.to_numpy() for side in (compared.predicted, compared.reference))
    missed = np.delete(theirs, matches.reference)
    return Outcomes(ours[matches.predicted], np.delete(ours, matches.predicted), missed)


def reference_buildings(scene: Scene) -> geopandas.GeoDataFrame | None:
    """Return the reference polygons of a scene, otherwise those of its building mask and heights, otherwise None."""
    if "buildings" in scene.layers:
        delivered = read_geotable(scene.path("buildings"))
        return reproject_table(delivered, scene.grid.crs, scene.grid.place)
    if not {"building", "ndsm"} <= scene.layers.keys():
        return None
    with open_raster(scene.path("building")) as mask, open_raster(scene.path("ndsm")) as heights:
        return extract(read_heights(heights), mask.read(1), scene.grid.transform, scene.grid.crs, simplify_m=0.0)


def compare_buildings(
    scene: Scene, predicted: geopandas.GeoDataFrame, reference: geopandas.GeoDataFrame, area: BaseGeometry
) -> Compared:
    """Return the buildings inside an area and outside the nodata of the building mask.

    If less than half of a reference building is inside, neither that building nor predictions on its inner part count.

    Args:
        scene: with the building mask, if any.
        predicted: polygons in the CRS of the scene.
        reference: polygons in the CRS of the scene.
        area: test area in pixel coordinates.
    """
    on_map = scene.grid.to_map(area)
    ours, theirs = (_cut(frame, on_map) for frame in (predicted, reference))
    counts = theirs.geometry.area >= theirs["area_before_m2"] / 2
    ignored = shapely.union_all(theirs[~counts].geometry.to_numpy())
    on_ignored = shapely.area(shapely.intersection(ours.geometry.to_numpy(), ignored))
    ours, theirs = ours[on_ignored * 2 <= ours.geometry.area], theirs[counts]
    ours, theirs = (side[_has_mask(scene, side)].reset_index(drop=True) for side in (ours, theirs))
    return Compared(ours, theirs, overlaps(ours, theirs))


def _cut(buildings: geopandas.GeoDataFrame, area: BaseGeometry) -> geopandas.GeoDataFrame:
    """Return the buildings that have a part in an area, cut at its border; columns `area_before_m2` and `whole`."""
    shapes = polygon_parts(buildings.geometry.to_numpy())
    inside = polygon_parts(np.asarray(shapely.intersection(shapes, area)))
    shapely.prepare(area)
    cut = buildings.set_geometry(geopandas.GeoSeries(inside, index=buildings.index, crs=buildings.crs))
    cut = cut.assign(area_before_m2=shapely.area(shapes), whole=shapely.contains_properly(area, shapes))
    return cut[shapely.area(inside) > 0]


def _has_mask(scene: Scene, buildings: geopandas.GeoDataFrame) -> np.ndarray:
    """Return a bool array, false where the building mask is nodata (255) at a point inside the building."""
    if "building" not in scene.layers:
        return np.ones(len(buildings), dtype=bool)
    points = shapely.get_coordinates(shapely.point_on_surface(buildings.geometry.to_numpy()))
    with open_raster(scene.path("building")) as mask:
        return np.array([value[0] != MISSING for value in mask.sample(points)], dtype=bool)


def evaluate_buildings(
    scene: Scene,
    heights_tif: Path,
    predicted: geopandas.GeoDataFrame,
    reference: geopandas.GeoDataFrame | None,
    area: BaseGeometry,
    settings: Metrics,
) -> BuildingStatistics:
    """Return the statistics of the buildings of a test area.

    Outlines, heights and volumes are compared for buildings that are completely inside the area. Reference heights and
    volumes are those of the reference heights inside the reference outlines.

    Args:
        scene: with the layers ndsm and building, if any.
        heights_tif: predicted heights on the scene's grid.
        predicted: the predicted table with height_m and volume_m3, in the CRS of the scene.
        reference: polygons in the CRS of the scene; None if the scene has no reference buildings.
        area: test area in pixel coordinates.
        settings: constants of the scores.
    """
    if reference is None:
        return BuildingStatistics()
    ours, theirs, pairs = compare_buildings(scene, predicted, reference, area)
    found = match(pairs, settings.instance_iou)
    found = found.only(ours["whole"].to_numpy()[found.predicted] & theirs["whole"].to_numpy()[found.reference])
    matches = ours.iloc[found.predicted], theirs.iloc[found.reference]
    shapes = shape_terms(shape_measures(*matches, boundary_m=settings.boundary_m))
    ours_in, theirs_in = (tiles_of(side.geometry.to_numpy(), scene.grid, settings.tile_px) for side in (ours, theirs))
    found_in = theirs_in[found.reference]
    of_predicted, of_reference = detection_terms(pairs, settings.instance_iou)
    terms = {INSTANCES: [of_predicted.set_axis(ours_in), of_reference.set_axis(theirs_in), shapes.set_axis(found_in)]}
    heights = _heights(scene, heights_tif, theirs)
    if (truth := heights.get("reference")) is not None:
        terms |= _by_class(FOUND, matches[0], truth.iloc[found.reference], found_in)
        if "predicted" in heights:
            whole = theirs["whole"].to_numpy()
            terms |= _by_class(GIVEN, heights["predicted"][whole], truth[whole], theirs_in[whole])
    return BuildingStatistics.of_terms(terms)


def _by_class(
    group: str, predicted: pandas.DataFrame, reference: pandas.DataFrame, tiles: pandas.MultiIndex
) -> dict[str, list[pandas.DataFrame]]:
    """Return the terms of the errors of pairs of buildings by stratum: the group, and each of its classes."""
    terms = error_terms(predicted, reference).set_axis(tiles)
    return {stratum_of(group, name): [terms[chosen]] for name, chosen in classes_of(reference).items()}


def given_heights(scene: Scene, heights_tif: Path, area: BaseGeometry) -> pandas.DataFrame | None:
    """Return the heights inside the reference outlines that are completely in an area, one row per building.

    Columns: `predicted_m`, `reference_m`, and `row` and `column` of a point inside, in pixels. None if the scene has no
    reference buildings, or the heights are not comparable with their heights.

    Args:
        scene: with the layer ndsm and reference buildings, if any.
        heights_tif: predicted heights on the scene's grid.
        area: in pixel coordinates.
    """
    if (reference := reference_buildings(scene)) is None:
        return None
    theirs = _cut(reference, scene.grid.to_map(area))
    theirs = theirs[theirs["whole"]]
    heights = _heights(scene, heights_tif, theirs)
    if {"reference", "predicted"} - heights.keys():
        return None
    points = shapely.point_on_surface(np.asarray(scene.grid.from_map(theirs.geometry.to_numpy()), dtype=object))
    column, row = shapely.get_coordinates(points).T
    found = {f"{name}_m": table["height_m"].to_numpy() for name, table in heights.items()}
    return pandas.DataFrame({**found, "row": row, "column": column})


def _heights(scene: Scene, heights_tif: Path, reference: geopandas.GeoDataFrame) -> Mapping[str, pandas.DataFrame]:
    """Return the heights in metres inside the reference outlines, of `reference` and `predicted` if these have any."""
    if "ndsm" not in scene.layers:
        return {}
    with ExitStack() as stack:
        truth, heights = (stack.enter_context(open_raster(path)) for path in (scene.path("ndsm"), heights_tif))
        terrain = stack.enter_context(open_raster(scene.path("dtm"))) if "dtm" in scene.layers else None
        readers = {"reference": partial(read_heights, truth)}
        if heights.descriptions[0] not in (RELATIVE, TERRAIN):
            readers["predicted"] = partial(read_above_ground, heights, terrain)
        outlines = reference.geometry.to_numpy()
        tables = outline_heights(outlines, scene.grid, readers)
        return {name: table.assign(area_m2=shapely.area(outlines)) for name, table in tables.items()}
