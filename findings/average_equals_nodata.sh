#!/usr/bin/env bash
# Valid pixels vanish where their average happens to be the nodata value: in decimated reads and in warps.
#
# Expected: a mean of valid pixels is valid. GDAL's overviews know the case and move such a mean to the next number.
# Found with rasterio 1.4.4 (GDAL 3.10.3): differences of heights, -1 and 1 m by turns, with nodata 0. Read at half of the resolution
# with Resampling.average, or warped to pixels of twice the size, all pixels are missing. Overviews by AVERAGE are valid, with
# 1e-45 in place of 0; but if the values are 4 and 6 and nodata is 5, their 5.0000005 counts as nodata too, because a mask is
# compared with a tolerance.
# What the project does: nodata of heights and errors is -9999, of classes 255; before an image is brought to a grid, its nodata
# becomes a mask (scenes/warp.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "rasterio==${RASTERIO:-1.4.4}" numpy
cd "$folder"
env/bin/python - <<'PYTHON'
import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import Resampling
from rasterio.warp import reproject

CRS, FINE, COARSE = "EPSG:32633", Affine(1, 0, 5e5, 0, -1, 5.8e6), Affine(2, 0, 5e5, 0, -2, 5.8e6)
PROFILE = {"width": 1024, "height": 1024, "count": 1, "dtype": "float32", "crs": CRS, "transform": FINE}


def missing(values, nodata):
    """The share that is missing in a decimated read, in a warp, and in the first overview, of rows of two values by turns."""
    heights = np.repeat(np.resize(values, 1024), 1024).reshape(1024, 1024).astype("float32")
    with rasterio.open("all.tif", "w", driver="COG", nodata=nodata, OVERVIEW_RESAMPLING="AVERAGE", **PROFILE) as out:
        out.write(heights, 1)
    with rasterio.open("all.tif", OVERVIEW_LEVEL=0) as raster:
        overview = raster.read(1, masked=True)
    with rasterio.open("plain.tif", "w", driver="GTiff", nodata=nodata, **PROFILE) as out:
        out.write(heights, 1)
    with rasterio.open("plain.tif") as raster:
        read = raster.read(1, masked=True, out_shape=(512, 512), resampling=Resampling.average)
    warped = np.full((512, 512), nodata, "float32")
    reproject(heights, warped, src_transform=FINE, src_crs=CRS, dst_transform=COARSE, dst_crs=CRS, src_nodata=nodata,
              dst_nodata=nodata, resampling=Resampling.average)
    return [float(np.ma.getmaskarray(found).mean()) for found in (read, np.ma.masked_equal(warped, nodata), overview)]


print("rasterio", rasterio.__version__, "GDAL", rasterio.__gdal_version__)
for values, nodata, expected in (((-1, 1), 0, [1, 1, 0]), ((4, 6), 5, [1, 1, 1]), ((4, 6), -9999, [0, 0, 0])):
    found = missing(values, nodata)
    print(f"values {values}, nodata {nodata}: missing in a decimated read {found[0]:.0%}, a warp {found[1]:.0%}, the overview {found[2]:.0%}")
    assert found == expected, "the behaviour has changed"
PYTHON
