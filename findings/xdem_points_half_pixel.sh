#!/usr/bin/env bash
# xdem moves a height map by half a pixel, or by a whole one, when it is coregistered to points that already fit it exactly.
#
# Expected: points at the centres of pixels, with the heights of these pixels, give a shift of 0, whatever AREA_OR_POINT says.
# Found with xdem 0.2.3 and geoutils 0.2.5: interpolation takes the corner of a pixel for the place of its value. At the centre of
# a pixel it returns the mean of four pixels, half a pixel to the right and below; in a raster with AREA_OR_POINT=Point the height
# of the pixel to the lower right. So NuthKaab finds a shift of 1 m in both directions in pixels of 2 m, and of 2 m with Point. A
# height map that is fitted to survey points or ICESat-2 in this way is misplaced; a registration of two rasters is not concerned.
# What the project does: heights at points are those of the pixel that contains the point (docs/corrections.md), and the tag
# AREA_OR_POINT moves nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet xdem==0.2.3 geoutils==0.2.5 rasterio==1.4.4
cd "$folder"
env/bin/python -W ignore - <<'PYTHON'
import geopandas as gpd
import geoutils
import numpy as np
import rasterio
import xdem
from affine import Affine

PIXEL = 2.0
transform = Affine(PIXEL, 0, 5e5, 0, -PIXEL, 5.8e6)
y, x = np.mgrid[0:300, 0:300].astype("float32")
heights = 50 * np.exp(-((x - 150) ** 2 + (y - 140) ** 2) / 3500) + 8 * np.sin(x / 9) + 6 * np.cos(y / 11)
draw = np.random.default_rng(0)
rows, columns = draw.integers(10, 290, (2, 5000))
east, north = transform * (columns + 0.5, rows + 0.5)  # the centres of the pixels
table = gpd.GeoDataFrame({"z": heights[rows, columns]}, geometry=gpd.points_from_xy(east, north), crs="EPSG:32633")
points = geoutils.PointCloud(table, data_column="z")

print("xdem", xdem.__version__, "geoutils", geoutils.__version__)
for interpretation, pixels in (("Area", 0.5), ("Point", 1.0)):
    with rasterio.open("heights.tif", "w", driver="GTiff", width=300, height=300, count=1, dtype="float32", crs="EPSG:32633",
                       transform=transform, nodata=-9999) as out:
        out.write(heights, 1)
        out.update_tags(AREA_OR_POINT=interpretation)
    dem = xdem.DEM("heights.tif")
    registration = xdem.coreg.NuthKaab()
    registration.fit(dem, points, random_state=1)
    found = registration.meta["outputs"]["affine"]
    shift = float(found["shift_x"]), float(found["shift_y"])
    print(f"AREA_OR_POINT={interpretation}: pixels of {PIXEL} m, shift found: {shift[0]:+.2f}, {shift[1]:+.2f} m")
    assert np.allclose(shift, (-pixels * PIXEL, pixels * PIXEL), atol=0.05), "the behaviour has changed"
PYTHON
