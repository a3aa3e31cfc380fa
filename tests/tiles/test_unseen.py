"""Test areas that an image does not cover are counted by scene and layer, and refused."""

import geopandas
import numpy as np
import pytest
import shapely
from grid_cases import bare_scene

from img2height.errors import DataError
from img2height.io.rasters import Band, height_band, write_cog
from img2height.scenes.scene import Scene, SceneLayer
from img2height.tiles.unseen import refuse_unseen, unseen_pixels


def photographed(folder, image: np.ndarray, heights: np.ndarray) -> Scene:
    """Return a scene with a radar image and heights, both with NaN where missing."""
    scene = bare_scene(*heights.shape[::-1])
    write_cog(folder / "sar.tif", image[None], scene.grid, [Band("hh", "dB")], nodata=-9999)
    write_cog(folder / "ndsm.tif", heights[None], scene.grid, [height_band("ndsm")], nodata=-9999)
    layers = {
        "sar": SceneLayer.of(folder / "sar.tif", ["hh"], "dB"),
        "ndsm": SceneLayer.of(folder / "ndsm.tif", ["ndsm"], "metre"),
    }
    return Scene(**{**vars(scene), "folder": folder, "layers": layers})


def area_table(scene: Scene, area) -> geopandas.GeoDataFrame:
    row = {"fold": [0], "part": ["test"], "dataset": [scene.dataset], "scene": [scene.name], "geometry": [area]}
    return geopandas.GeoDataFrame(row, geometry="geometry")


def test_only_test_pixels_with_a_reference_count(tmp_path):
    image, heights = np.ones((64, 96), np.float32), np.ones((64, 96), np.float32)
    image[:, :10] = np.nan  # of which the first five columns are not tested
    heights[:4] = np.nan
    scene = photographed(tmp_path, image, heights)
    found = unseen_pixels([scene], area_table(scene, shapely.box(5, 0, 96, 64)), ["sar", "eo"])
    assert found == {f"{scene.dataset}/{scene.name}": {"sar": 5 * 60}}
    with pytest.raises(DataError, match=rf"sar of {scene.dataset}/{scene.name}: 300\. .*allow_missing: true"):
        refuse_unseen(found)


def test_complete_coverage_is_accepted(tmp_path):
    whole = np.ones((64, 96), np.float32)
    scene = photographed(tmp_path, whole, whole)
    found = unseen_pixels([scene], area_table(scene, shapely.box(0, 0, 96, 64)), ["sar"])
    assert found == {}
    refuse_unseen(found)
