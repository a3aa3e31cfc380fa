import geopandas
import numpy as np
import shapely
from rasterio.windows import Window
from view_cases import GRID, HOUSES, houses

from img2height.view.buildings import encoded_buildings, medians


def read(window: Window) -> np.ndarray:
    heights = np.full(GRID.shape, np.nan, np.float32)
    heights[40:60, 40:80] = 6
    heights[40, 40:80] = 100  # a chimney of one row in twenty
    heights[50, 40:80] = -9999
    return heights[window.toslices()]


def test_the_median_is_of_valid_pixels_inside() -> None:
    found = medians(houses(), GRID, read)
    assert found[0] == 6
    assert np.isnan(found[1])


def test_polygons_beyond_the_raster_have_no_height() -> None:
    far = geopandas.GeoDataFrame(geometry=list(GRID.to_map(np.array([shapely.box(-90, -90, -10, -10)]))), crs=GRID.crs)
    assert np.isnan(medians(far, GRID, read)).all()


def test_outlines_are_in_hundredths_of_a_pixel() -> None:
    court = shapely.Polygon(HOUSES[0].exterior, [shapely.box(50, 45, 55.125, 50).exterior])
    shapes = GRID.to_map(np.array([shapely.MultiPolygon([court, HOUSES[1]])], dtype=object))
    made = encoded_buildings(
        geopandas.GeoDataFrame(geometry=list(shapes), crs=GRID.crs), GRID, {"h": np.array([np.nan])}
    )
    assert made["h"] == [None]
    ((outer, inner), (other,)) = made["outlines"][0]
    assert set(zip(outer[::2], outer[1::2], strict=True)) == {(4000, 4000), (8000, 4000), (8000, 6000), (4000, 6000)}
    assert (min(inner[::2]), max(inner[::2])) == (5000, 5512)
    assert len(other) == 10
