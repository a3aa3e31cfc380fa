from contextlib import ExitStack

import geopandas
import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.windows import Window
from shapely import box

from img2height.io.grid import Grid
from img2height.io.rasters import Band, open_raster, write_cog
from img2height.scoring.landcover import BuildingSizes, read_kinds, read_mask
from img2height.scoring.strata import MASKS, NAMES, NONZERO, STRATA, strata_of_kinds

GRID = Grid(CRS.from_epsg(25832), Affine(1, 0, 500_000, 0, -1, 5_400_000), 47, 41)
WHOLE = Window(0, 0, GRID.width, GRID.height)
RINGS = [(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3) if abs(dy) + abs(dx) <= 2]  # what two dilations reach


def masks() -> dict[str, np.ndarray]:
    """Return sparse buildings, patches of water and forest, holes; some pixels of each are nodata."""
    rng = np.random.default_rng([4])
    shares = {"building": 0.03, "water": 0.2, "forest": 0.3, "dsm_filled": 0.1}
    made = {name: (rng.random(GRID.shape) < shares[name]).astype(np.uint8) for name in MASKS}
    for mask in made.values():
        mask[rng.random(GRID.shape) < 0.05] = 255
    made["building"][0, 0] = made["building"][-1, -1] = 1
    return made


@pytest.fixture(scope="module")
def rasters(tmp_path_factory):
    folder = tmp_path_factory.mktemp("masks")
    with ExitStack() as stack:
        for name, mask in masks().items():
            write_cog(folder / f"{name}.tif", mask, GRID, [Band(name)], nodata=255, categorical=True)
        yield {name: stack.enter_context(open_raster(folder / f"{name}.tif")) for name in MASKS}


def near(building: np.ndarray) -> np.ndarray:
    """Return the pixels within two steps of a building, by counting and not by morphology."""
    reached = np.zeros(building.shape, bool)
    for row, column in np.argwhere(building == 1):
        for down, right in RINGS:
            if 0 <= row + down < building.shape[0] and 0 <= column + right < building.shape[1]:
                reached[row + down, column + right] = True
    return reached


def strata(layers, window, heights_m=None, sizes=None, nonzero=True) -> dict[str, np.ndarray]:
    """Return the pixels of a window by stratum."""
    shape = int(window.height), int(window.width)
    kinds, building = read_kinds(layers, window, np.broadcast_to(nonzero, shape), heights_m, sizes)
    bits = strata_of_kinds()[kinds]
    assert (building == read_mask(layers, "building", window)).all()
    return {name: (bits >> k & 1).astype(bool) for k, name in enumerate(NAMES)}


def heights() -> np.ndarray:
    """Return heights on both sides of each class border, and some missing ones."""
    values = [np.nan, -1, 0, 3, 3.001, 10, 10.001, 20, 20.001, 50, 50.001, 300]
    return np.random.default_rng([6]).choice(values, GRID.shape).astype(np.float32)


class Halves:
    """Small buildings in the west, large ones in the east."""

    def read(self, window: Window) -> np.ndarray:
        classes = np.tile(np.where(np.arange(GRID.width) < 20, 1, 3).astype(np.uint8), (GRID.height, 1))
        return classes[window.row_off :, window.col_off :][: window.height, : window.width]


def test_strata_are_those_of_the_masks(rasters):
    m, z = masks(), heights()
    nonzero = np.random.default_rng([7]).random(GRID.shape) < 0.7
    found = strata(rasters, WHOLE, z, Halves(), nonzero)
    west = np.broadcast_to(np.arange(GRID.width) < 20, GRID.shape)
    around = near(m["building"])
    terrain = ~around & (m["building"] != 255)
    expected = {
        "all": np.ones(GRID.shape, bool),
        "buildings": m["building"] == 1,
        "buildings_dilated": around,
        "terrain": terrain,
        "terrain_no_water": terrain & (m["water"] == 0),
        "terrain_no_water_forest": terrain & (m["water"] == 0) & (m["forest"] == 0),
        "water": m["water"] == 1,
        "forest": m["forest"] == 1,
        "filled": m["dsm_filled"] == 1,
        "matched": m["dsm_filled"] == 0,
        "height_0_3": z <= 3,
        "height_3_10": (z > 3) & (z <= 10),
        "height_10_20": (z > 10) & (z <= 20),
        "height_20_50": (z > 20) & (z <= 50),
        "height_50": z > 50,
        "building_0_100": (m["building"] == 1) & west,
        "building_100_500": np.zeros(GRID.shape, bool),
        "building_500": (m["building"] == 1) & ~west,
        "buildings_tall": (m["building"] == 1) & (z > 20),
        "edges": around & near(1 - m["building"]),  # 255 becomes 2: neither
    }
    assert list(STRATA) == list(expected)
    expected |= {name: expected[whole] & nonzero for name, whole in NONZERO.items()}
    assert list(found) == list(expected)
    for name, mask in expected.items():
        assert (found[name] == mask).all(), name
        assert mask.any() or name == "building_100_500", name


def test_size_classes_do_not_depend_on_the_window():
    west, north = GRID.transform.c, GRID.transform.f
    sides = {3: 1, 10: 1, 11: 2, 22: 2, 23: 3}  # pixels of 1 m
    for side, size in sides.items():
        house = box(west + 5, north - 5 - side, west + 5 + side, north - 5)
        shed = box(west + 5, north - 6, west + 6, north - 5)
        sizes = BuildingSizes(geopandas.GeoSeries([house, shed], crs=GRID.crs), GRID)
        whole = sizes.read(WHOLE)
        assert (whole[5 : 5 + side, 5 : 5 + side] == size).all()
        assert (whole > 0).sum() == side**2
        assert (sizes.read(Window(4, 6, 10, 12)) == whole[6:18, 4:14]).all()
    assert (BuildingSizes(geopandas.GeoSeries([], crs=GRID.crs), GRID).read(WHOLE) == 0).all()


@pytest.mark.parametrize("size", [1, 2, 7, 40])
def test_borders_of_windows_show_in_no_stratum(rasters, size):
    whole = strata(rasters, WHOLE)
    for row in range(0, GRID.height, size * 4):
        for column in range(0, GRID.width, size):
            window = Window(column, row, min(size, GRID.width - column), min(size, GRID.height - row))
            here = np.s_[row : row + window.height, column : column + window.width]
            for name, mask in strata(rasters, window).items():
                assert mask.shape == (window.height, window.width)
                assert (mask == whole[name][here]).all(), (name, window)


def test_a_single_building_pixel_grows_to_a_diamond(tmp_path):
    building = np.zeros(GRID.shape, np.uint8)
    building[10, 20] = 1
    building[10, 21] = 255  # nodata is not terrain, but belongs to the dilated building
    building[30, 30] = 255
    write_cog(tmp_path / "b.tif", building, GRID, [Band("building")], nodata=255, categorical=True)
    with open_raster(tmp_path / "b.tif") as raster:
        found = strata({"building": raster}, Window(18, 9, 20, 30))
    rows = ["".join(".#"[int(pixel)] for pixel in row[:6]) for row in found["buildings_dilated"][:5]]
    assert rows == [".###..", "#####.", ".###..", "..#...", "......"]
    assert found["terrain"].sum() == 20 * 30 - found["buildings_dilated"].sum() - 1


def test_strata_without_their_layer_are_empty(rasters):
    terrain = {"terrain", "buildings", "buildings_dilated"}
    cases = {
        (): {"all"},
        ("building",): {"all", "edges", *terrain},
        ("building", "forest"): {"all", "edges", "forest", *terrain},
        ("building", "water"): {"all", "edges", "water", "terrain_no_water", *terrain},
        ("water", "forest"): {"all", "water", "forest"},
        ("dsm_filled",): {"all", "filled", "matched"},
    }
    for names, there in cases.items():
        found = strata({name: rasters[name] for name in names}, WHOLE)
        assert {name for name in STRATA if found[name].any()} == there
    assert (read_mask({}, "water", Window(3, 4, 5, 6)) == np.full((6, 5), 255)).all()
