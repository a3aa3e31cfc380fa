"""Builds a city from settings: plans the district, draws it in order, and freezes it as exact truth."""

from collections.abc import Callable

import numpy as np
import shapely
from scipy import ndimage
from shapely import Polygon

from img2height.scenes.city.blocks import fill_block
from img2height.scenes.city.buildings import Design, Limits
from img2height.scenes.city.canvas import Canvas
from img2height.scenes.city.geometry import polygons
from img2height.scenes.city.layout import Layout, draw_layout
from img2height.scenes.city.model import Building, City, Material
from img2height.scenes.city.nature import grow_trees, stand_cars
from img2height.scenes.city.site import Site
from img2height.scenes.city.streets import line_streets, pave
from img2height.scenes.city.terrain import BANK_M, RAMP_M, carve_water, level_pads, rolling_ground
from img2height.settings.city import CitySettings

TERRAIN, LAYOUT, STREETS, TREES, CARS, BLOCKS = range(6)  # each stage has its own random numbers
Standing = list[tuple[Design, int, float]]  # design, its number on the canvas, level of its ground


def build(settings: CitySettings) -> City:
    """Return the district of the settings."""

    def random(*stage: int) -> np.random.Generator:
        return np.random.default_rng([settings.seed, *stage])

    shape = (settings.size_px, settings.size_px)
    layout = draw_layout(settings, random(LAYOUT))
    canvas = Canvas(rolling_ground(shape, settings.gsd_m, settings.relief_m, random(TERRAIN)), settings.gsd_m)
    canvas.paint(polygons(layout.water), Material.WATER)
    under_water = canvas.material == Material.WATER
    canvas.ground = carve_water(canvas.ground, under_water, settings.gsd_m)
    pave(canvas, layout)
    site = _fill(settings, layout, random)
    for polygon, material in site.surfaces:
        canvas.paint([polygon], material)
    standing = [(d, *canvas.raise_building(d, material)) for d, material in site.buildings]
    _deck_bridges(canvas, under_water)
    grow_trees(canvas, np.concatenate([np.empty((0, 4)), *site.trees]), random(TREES))
    stand_cars(canvas, np.concatenate([np.empty((0, 4)), *site.cars]), random(CARS))
    return _freeze(settings, canvas, layout, under_water, [s for s in standing if s[1]])


def _fill(settings: CitySettings, layout: Layout, random: Callable[..., np.random.Generator]) -> Site:
    site = Site()
    limits = Limits(settings.min_height_m, settings.max_height_m)
    for index, block in enumerate(layout.blocks):
        fill_block(site, block.polygon, block.use, settings.density, limits, random(BLOCKS, index))
    line_streets(site, layout, random(STREETS))
    return site


def _deck_bridges(canvas: Canvas, under_water: np.ndarray) -> None:
    """Raise roads over water, and their ramps, to the height of the banks; the terrain below stays water and bank."""
    if under_water.any():
        level = canvas.ground[under_water][0] + BANK_M
        paved = np.isin(canvas.material, (Material.ASPHALT, Material.CONCRETE, Material.PAINT)) & (canvas.building == 0)
        near = ndimage.distance_transform_edt(~under_water) * canvas.gsd_m < RAMP_M
        canvas.height[paved & near] = np.maximum(level - canvas.ground[paved & near], 0)


def _freeze(
    settings: CitySettings, canvas: Canvas, layout: Layout, under_water: np.ndarray, standing: Standing
) -> City:
    dtm = level_pads(canvas.ground, canvas.pad, under_water, canvas.gsd_m)
    dsm = dtm + canvas.height
    ndsm = dsm - dtm  # in float32 not exactly canvas.height: delivered layers must be consistent
    numbers = {number: index for index, (_, number, _) in enumerate(standing, start=1)}
    lookup = np.zeros(canvas.next_instance() + 1, np.int32)
    lookup[list(numbers)] = list(numbers.values())
    building_id = lookup[canvas.building]
    forest = _forest(canvas, layout)
    return City(
        settings=settings, dsm=dsm, dtm=dtm, ndsm=ndsm,
        building=(building_id > 0).astype(np.uint8), building_id=building_id,
        material=canvas.material, instance=canvas.instance,
        water=under_water, forest=forest,
        buildings=_records(settings, standing, building_id, ndsm),
    )  # fmt: skip


def _forest(canvas: Canvas, layout: Layout) -> np.ndarray:
    forest = np.zeros(canvas.height.shape, bool)
    for block in layout.blocks:
        if block.use == "wood":
            forest[canvas.pixels(block.polygon)] = True
    return forest & (canvas.material == Material.CROWN)


def _records(settings: CitySettings, standing: Standing, building_id: np.ndarray, ndsm: np.ndarray) -> list[Building]:
    index = np.arange(1, len(standing) + 1)
    highest, lowest = (measure(ndsm, building_id, index) for measure in (ndimage.maximum, ndimage.minimum))
    return [
        Building(int(i), _outline(settings, design), float(high), float(low), ground, design.roof)
        for i, high, low, (design, _, ground) in zip(index, highest, lowest, standing, strict=True)
    ]


def _outline(settings: CitySettings, design: Design) -> Polygon:
    """Return the footprint inside the district, in map coordinates."""
    east, north = settings.origin
    seen = design.footprint.intersection(shapely.box(0, 0, settings.extent_m, settings.extent_m))
    largest = max(polygons(seen, 0), key=lambda piece: piece.area)
    return shapely.transform(largest, lambda xy: np.array([east, north]) + xy * [1, -1])
