#!/usr/bin/env bash
# rio-stac gives a rotated raster the footprint of its bounding box, as `geometry` and as `proj:geometry`.
#
# Expected: the geometry of an item is the four corners of the raster (STAC: "footprint of the asset").
# Found with rio-stac 0.12.0: both are the box around the corners, also when the pixels are turned by 30 degrees: an image of
# 200 x 100 m gets a footprint of 2.1 times its area, and a search finds it where it shows nothing. `proj:transform` and
# `proj:shape` of the same item are right.
# What the project does: its items take the corners of the raster (inference/stac.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet rio-stac==0.12.0 rasterio==1.4.4 shapely==2.2.0
cd "$folder"
env/bin/python -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import rasterio
from affine import Affine
from rasterio.warp import transform_geom
from rio_stac import create_stac_item
from shapely.geometry import Polygon, shape

turned = Affine.translation(5e5, 5.8e6) * Affine.rotation(30) * Affine.scale(1, -1)
with rasterio.open("turned.tif", "w", driver="GTiff", width=200, height=100, count=1, dtype="uint8", crs="EPSG:32633",
                   transform=turned) as out:
    out.write(np.ones((1, 100, 200), "uint8"))

item = create_stac_item("turned.tif", with_proj=True).to_dict()
corners = Polygon([turned * corner for corner in ((0, 0), (200, 0), (200, 100), (0, 100))])
again = Affine(*item["properties"]["proj:transform"][:6])
print("rio-stac", version("rio-stac"), "rasterio", rasterio.__version__)
for name, found in (
    ("geometry", shape(transform_geom("EPSG:4326", "EPSG:32633", item["geometry"]))),
    ("proj:geometry", shape(item["properties"]["proj:geometry"])),
):
    print(f"{name}: {found.area:.0f} m2; the raster: {corners.area:.0f} m2")
    assert 2.0 < found.area / corners.area < 2.2, "the behaviour has changed"
assert again.almost_equals(turned, 1e-6) and item["properties"]["proj:shape"] == [100, 200], "the behaviour has changed"
PYTHON
