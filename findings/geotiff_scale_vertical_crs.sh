#!/usr/bin/env bash
# Scale and offset that are set on a GeoTIFF after its first pixels are lost if its coordinate system has a vertical part.
#
# Expected: the moment at which they are set makes no difference, with any coordinate system; both files have 0.1 and 100.
# Found with rasterio 1.5.2 (GDAL 3.12.2), and with 1.4.4 (GDAL 3.10.3): when the file in EPSG:25833 + DHHN2016 height is
# opened again, its scale is 1 and its offset 0, without an error; the file in EPSG:25833 keeps them. The same happens in
# mode "r+" on a finished file. If set before the first write, they are kept in both. Official surface models have such
# systems, and one stored in decimetres then loses the only record of its unit.
# What the project does: docs/own-data.md says when to set them; implausible heights of the ground stop preparation.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "rasterio==${RASTERIO:-1.5.2}" numpy
"$folder/env/bin/python" - "$folder" <<'PYTHON'
import sys

import numpy as np
import rasterio
from affine import Affine

found = {}
for system in ("EPSG:25833", "EPSG:25833+7837"):
    for when in ("before", "after", "reopened"):
        path = f"{sys.argv[1]}/dsm.tif"
        profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": "int16", "crs": system}
        with rasterio.open(path, "w", **profile, transform=Affine(1, 0, 5e5, 0, -1, 5.8e6)) as out:
            if when == "before":
                out.scales, out.offsets = (0.1,), (100.0,)
            out.write(np.ones((1, 64, 64), np.int16))
            if when == "after":
                out.scales, out.offsets = (0.1,), (100.0,)
        if when == "reopened":
            with rasterio.open(path, "r+") as out:
                out.scales, out.offsets = (0.1,), (100.0,)
        with rasterio.open(path) as raster:
            found[system, when] = raster.scales[0], raster.offsets[0]
            print(f"{system:16} set {when:9} scale {raster.scales[0]:g} offset {raster.offsets[0]:g}")
print("rasterio", rasterio.__version__, "GDAL", rasterio.__gdal_version__)
kept, lost = (0.1, 100.0), (1.0, 0.0)
assert all(found["EPSG:25833", when] == kept for when in ("before", "after", "reopened")), found
assert found["EPSG:25833+7837", "before"] == kept, found
assert found["EPSG:25833+7837", "after"] == found["EPSG:25833+7837", "reopened"] == lost, found
PYTHON
