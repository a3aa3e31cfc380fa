#!/usr/bin/env bash
# A height map with a few missing pixels vanishes when a GIS zooms out, if nodata is NaN: overviews made with the COG default.
#
# Expected: pixels that are nodata are left out of overviews in the same way, whether nodata is NaN or -9999.
# Found with rasterio 1.4.4 (GDAL 3.10.3): 5 % of the pixels, scattered as in a stereo or LiDAR surface, are missing. In the first
# overview 95 % of the pixels are missing if nodata is NaN, and 0.5 % if it is -9999; with BILINEAR 56 and 0 %, with AVERAGE 0 %
# both times. With 25 % missing everything vanishes. Without a choice, GDAL's COG driver takes CUBIC. NaN lies in the kernel of most
# pixels of the overview, and is not excluded from it as a number is.
# What the project does: nodata of heights is -9999 and overviews are means of the valid pixels (io/rasters.py).
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

PROFILE = {"driver": "COG", "width": 1024, "height": 1024, "count": 1, "dtype": "float32", "crs": "EPSG:32633",
           "transform": Affine(1, 0, 5e5, 0, -1, 5.8e6)}


def missing(share, nodata, **options):
    """The share of the first overview that is missing, of a raster of which a share is missing at random."""
    heights = np.full((1024, 1024), 10, "float32")
    heights[np.random.default_rng(0).random(heights.shape) < share] = nodata
    with rasterio.open("heights.tif", "w", **PROFILE, nodata=nodata, **options) as out:
        out.write(heights, 1)
    with rasterio.open("heights.tif", OVERVIEW_LEVEL=0) as overview:
        return float((overview.read_masks(1) == 0).mean())


print("rasterio", rasterio.__version__, "GDAL", rasterio.__gdal_version__)
for share, expected in ((0.05, (0.95, 0.56, 0.0)), (0.25, (1.0, 0.99, 0.0))):
    for options, lost in zip(({}, {"OVERVIEW_RESAMPLING": "BILINEAR"}, {"OVERVIEW_RESAMPLING": "AVERAGE"}), expected):
        with_nan, with_number = missing(share, float("nan"), **options), missing(share, -9999, **options)
        print(f"{share:.0%} missing, {options or 'default'}: {with_nan:.1%} of the overview is missing with NaN, {with_number:.1%} with -9999")
        assert abs(with_nan - lost) < 0.02, "the behaviour has changed"
        assert with_number <= with_nan + 0.001, "the behaviour has changed"
PYTHON
