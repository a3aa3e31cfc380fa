#!/usr/bin/env bash
# Overviews made with the resampling "mode" have 0 where the raster has nodata, if its nodata is negative or NaN.
#
# Expected: an area in which all pixels are nodata is nodata in the overviews, with any resampling.
# Found with rasterio 1.4.4 (GDAL 3.10.3): in an int16 raster with nodata -9999, and in a float32 one with NaN, the area is 0 in
# the overviews and valid by their mask, without a message; so it is in a COG that is written with OVERVIEW_RESAMPLING=MODE, and
# in a decimated read of a raster without overviews. uint8 with nodata 255 and float32 with -9999 are right, and so are the
# overviews by average. A GIS shows missing heights or classes as zeros until one zooms in. GDAL 3.12.4 does the same.
# What the project does: the overviews that it writes take the nearest class or the mean (io/rasters.py); "mode" is not used.
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

PROFILE = {"width": 1024, "height": 1024, "count": 1, "crs": "EPSG:32633", "transform": Affine(1, 0, 5e5, 0, -1, 5.8e6)}


def write(stored, nodata, **options):
    with rasterio.open("raster.tif", "w", **PROFILE, dtype=stored.dtype.name, nodata=nodata, **options) as out:
        out.write(stored, 1)


def half_valid(**options):
    """The value in the lower half, of which all pixels are nodata, and whether it is valid."""
    shape = {} if options else {"out_shape": (512, 512), "resampling": Resampling.mode}
    with rasterio.open("raster.tif", **options) as raster:
        area = raster.read(1, masked=True, **shape)[300:]
    return float(area.data[0, 0]), bool((~np.ma.getmaskarray(area)).all())


print("rasterio", rasterio.__version__, "GDAL", rasterio.__gdal_version__)
for kind, nodata, wrong in (("int16", -9999, 1), ("float32", np.nan, 1), ("float32", -9999, 0), ("uint8", 255, 0)):
    stored = np.full((1024, 1024), 10, kind)
    stored[512:] = nodata
    write(stored, nodata, driver="GTiff")
    found = {"decimated read": half_valid()}
    for method in (Resampling.average, Resampling.mode):
        write(stored, nodata, driver="GTiff")
        with rasterio.open("raster.tif", "r+") as raster:
            raster.build_overviews([2], method)
        found[f"overview by {method.name}"] = half_valid(OVERVIEW_LEVEL=0)
    write(stored, nodata, driver="COG", OVERVIEW_RESAMPLING="MODE")
    found["COG by mode"] = half_valid(OVERVIEW_LEVEL=0)
    print(f"{kind:7} nodata {nodata:5}: value and validity of an area of nodata:", found)
    average = found.pop("overview by average")
    assert not average[1], "the behaviour has changed"
    assert all(one == ((0, True) if wrong else (nodata, False)) for one in found.values()), "the behaviour has changed"
PYTHON
