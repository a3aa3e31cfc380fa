#!/usr/bin/env bash
# Heights written as half-floats (GeoTIFF with NBITS=16) are cut off instead of rounded, so that all come out too low.
#
# Guess before the run: each number becomes the nearest half-float: the errors of heights are 0 on average, and pixels of
# nodata, -9999, become -10000, which is no longer recognised.
# Found with rasterio 1.4.4 (GDAL 3.10.3): values are truncated towards zero. Heights between 512 and 1024 m are 0.25 m too low
# on average, those between 1024 and 2048 m 0.5 m. Two surveys of which one is stored so seem to show a change of the ground.
# Nodata -9999 becomes -9992, a valid height, without a message. GDAL 3.12.4 rounds to the nearest.
# What the project does: it writes heights as float32 (io/rasters.py); -9992 in a layer of a scene is refused
# as implausible (scenes/warp.py).
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

heights = np.random.default_rng(0).uniform([[512], [1024]], [[1024], [2048]], (2, 4096)).astype(np.float32)
heights[:, 0] = -9999
profile = {"driver": "GTiff", "width": 4096, "height": 2, "count": 1, "dtype": "float32", "crs": "EPSG:32633"}
profile |= {"transform": Affine(1, 0, 5e5, 0, -1, 5.8e6), "nodata": -9999, "NBITS": 16}
with rasterio.open("heights.tif", "w", **profile) as out:
    out.write(heights, 1)
with rasterio.open("heights.tif") as raster:
    stored, valid, nodata = raster.read(1), raster.read_masks(1) > 0, raster.nodata
print("rasterio", rasterio.__version__, "GDAL", rasterio.__gdal_version__)
print(f"nodata of the file {nodata:g}, its pixels {stored[0, 0]:g}, valid: {valid[0, 0]}")
error = (stored - heights)[:, 1:]
rounded = (heights.astype(np.float16) - heights)[:, 1:]
for row, span in enumerate(("512 to 1024 m", "1024 to 2048 m")):
    print(f"{span}: error {error[row].mean():+.3f} m on average, {error[row].min():+.3f} m at most; ", end="")
    print(f"rounded to the nearest {rounded[row].mean():+.3f} m on average")
assert error.max() <= 0 and np.allclose(error.mean(axis=1), [-0.25, -0.5], atol=0.02), "the behaviour has changed"
assert nodata == -9999 and stored[0, 0] == -9992 and valid.all(), "the behaviour has changed"
PYTHON
