#!/usr/bin/env bash
# rasterstats reads a rotated raster as if it were not rotated: a building gets the heights of another place.
#
# Guess before the run: a rotated raster is refused, as exactextract refuses it.
# Found with rasterstats 0.21.0: `zonal_stats` of a raster rotated by 2 degrees cuts a window out as if it were not rotated, and
# lays the rotated mask of the polygon on it. Two houses of 12 m, about 100 and 300 m from the upper left corner, get 10.4 m
# and 5 m, the height of the surroundings, from 289 and 153 of their 400 pixels, without a message.
# What the project does: buildings are labelled on the grid of the heights, in pixel coordinates, and measured by these labels
# (buildings/attributes.py), so that a rotation makes no difference.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "rasterstats==${RASTERSTATS:-0.21.0}" "rasterio==1.4.4" "shapely==2.2.0" numpy
cd "$folder"
env/bin/python - <<'PYTHON'
import numpy as np
import rasterio
import rasterstats
from affine import Affine
from rasterio.features import geometry_mask
from shapely import Polygon

print("rasterstats", rasterstats.__version__, "rasterio", rasterio.__version__)
found = {}
for degrees in (0, 2):
    transform = Affine.translation(5e5, 5.8e6) @ Affine.rotation(degrees) @ Affine.scale(1, -1)
    heights = np.full((400, 400), 5, np.float32)
    houses = []
    for row, column in ((80, 80), (60, 300)):
        heights[row : row + 20, column : column + 20] = 12
        corners = ((0, 0), (20, 0), (20, 20), (0, 20))
        houses.append(Polygon([transform @ (column + x, row + y) for x, y in corners]))
    profile = {"driver": "GTiff", "width": 400, "height": 400, "count": 1, "dtype": "float32", "crs": "EPSG:32633"}
    with rasterio.open("heights.tif", "w", **profile, transform=transform, nodata=-9999) as out:
        out.write(heights, 1)
    by_mask = [float(heights[geometry_mask([house], heights.shape, transform, invert=True)].mean()) for house in houses]
    stats = rasterstats.zonal_stats(houses, "heights.tif", stats="count mean")
    found[degrees] = [(one["count"], one["mean"]) for one in stats]
    print(f"rotated by {degrees} degrees: heights by geometry_mask {by_mask}, by zonal_stats (count, mean) {found[degrees]}")
    assert by_mask == [12, 12]
assert found[0] == [(400, 12), (400, 12)], "the behaviour has changed"
(near, height), far = found[2]
assert near == 289 and 10 < height < 11 and far == (153, 5), "the behaviour has changed"
PYTHON
