#!/usr/bin/env bash
# GDAL's JPEG 2000 writer turns a south-up raster into a north-up one that is displaced to the south by its whole height.
#
# Expected: the transform is kept as in a GeoTIFF, or the driver refuses a positive row step.
# Found with rasterio 1.5.2, and with 1.4.4 (GDAL 3.10.3): written as GeoTIFF, a raster of 64 rows of 1 m keeps its rows
# from 5800000 to 5800064 m; written with JP2OpenJPEG it is read from 5799936 to 5800000 m with unchanged pixels, so that
# the image is mirrored at its own edge. There is no error and no warning. A raster rotated by 90 degrees keeps its place.
# What the project does: no reader can detect it; docs/own-data.md says to warp a south-up raster before it is converted to
# JPEG 2000, and layers that do not overlap are refused.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "rasterio==${RASTERIO:-1.5.2}" numpy
cd "$folder"
env/bin/python - <<'PYTHON'
import numpy as np
import rasterio
from affine import Affine

OPTIONS = {"GTiff": {}, "JP2OpenJPEG": {"QUALITY": "100", "REVERSIBLE": "YES"}}
FILES = {"GTiff": "image.tif", "JP2OpenJPEG": "image.jp2"}
STEPS = {"south-up": Affine(1, 0, 5e5, 0, 1, 5.8e6), "turned": Affine(0, 1, 5e5, 1, 0, 5.8e6)}
stored = np.arange(64 * 64, dtype=np.uint8).reshape(1, 64, 64)
found = {}
for name, transform in STEPS.items():
    for driver, options in OPTIONS.items():
        profile = {"driver": driver, "width": 64, "height": 64, "count": 1, "dtype": "uint8", "crs": "EPSG:32633"}
        with rasterio.open(FILES[driver], "w", **profile, transform=transform, **options) as out:
            out.write(stored)
        with rasterio.open(FILES[driver]) as raster:
            assert (raster.read() == stored).all()
            rows = sorted(raster.xy(row, 0, offset="center")[1] for row in (0, 63))
            found[name, driver] = raster.transform == transform
            print(f"{name:8} {driver:12} rows from {rows[0]:.1f} to {rows[1]:.1f} m, transform kept: {found[name, driver]}")
print("rasterio", rasterio.__version__, "GDAL", rasterio.__gdal_version__)
assert not found.pop(("south-up", "JP2OpenJPEG"))
assert all(found.values()), found
PYTHON
