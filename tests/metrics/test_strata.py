from contextlib import ExitStack

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.windows import Window

from img2height.metrics.strata import MASKS, STRATA, read_mask, read_strata
from img2height.rasters import Band, Grid, open_raster, write_cog

GRID = Grid(CRS.from_epsg(25832), Affine(1, 0, 500_000, 0, -1, 5_400_000), 47, 41)
WHOLE = Window(0, 0, GRID.width, GRID.height)
RINGS = [(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3) if abs(dy) + abs(dx) <= 2]  # what two dilations reach


def masks() -> dict[str, np.ndarray]:
    """Return sparse buildings, patches of water and forest, holes; some pixels of each are unknown."""
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


def test_strata_are_those_of_the_masks(rasters):
    m, found = masks(), read_strata(rasters, WHOLE)
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
    }
    assert tuple(found) == STRATA == tuple(expected)
    for name, mask in expected.items():
        assert (found[name] == mask).all(), name
        assert mask.any(), name


@pytest.mark.parametrize("size", [1, 2, 7, 40])
def test_borders_of_windows_show_in_no_stratum(rasters, size):
    whole = read_strata(rasters, WHOLE)
    for row in range(0, GRID.height, size * 4):
        for column in range(0, GRID.width, size):
            window = Window(column, row, min(size, GRID.width - column), min(size, GRID.height - row))
            here = np.s_[row : row + window.height, column : column + window.width]
            for name, mask in read_strata(rasters, window).items():
                assert mask.shape == (window.height, window.width)
                assert (mask == whole[name][here]).all(), (name, window)


def test_a_single_building_pixel_grows_to_a_diamond(tmp_path):
    building = np.zeros(GRID.shape, np.uint8)
    building[10, 20] = 1
    building[10, 21] = 255  # what is not known to be terrain is not terrain, though near a building it is
    building[30, 30] = 255
    write_cog(tmp_path / "b.tif", building, GRID, [Band("building")], nodata=255, categorical=True)
    with open_raster(tmp_path / "b.tif") as raster:
        found = read_strata({"building": raster}, Window(18, 9, 20, 30))
    rows = ["".join(".#"[int(pixel)] for pixel in row[:6]) for row in found["buildings_dilated"][:5]]
    assert rows == [".###..", "#####.", ".###..", "..#...", "......"]
    assert found["terrain"].sum() == 20 * 30 - found["buildings_dilated"].sum() - 1


def test_strata_without_their_layer_are_empty(rasters):
    terrain = {"terrain", "buildings", "buildings_dilated"}
    cases = {
        (): {"all"},
        ("building",): {"all", *terrain},
        ("building", "forest"): {"all", "forest", *terrain},
        ("building", "water"): {"all", "water", "terrain_no_water", *terrain},
        ("water", "forest"): {"all", "water", "forest"},
        ("dsm_filled",): {"all", "filled", "matched"},
    }
    for names, there in cases.items():
        found = read_strata({name: rasters[name] for name in names}, WHOLE)
        assert {name for name, mask in found.items() if mask.any()} == there
    assert (read_mask({}, "water", Window(3, 4, 5, 6)) == np.full((6, 5), 255)).all()
