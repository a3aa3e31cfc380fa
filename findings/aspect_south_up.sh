#!/usr/bin/env bash
# xarray-spatial and xdem mirror the aspect of a south-up raster, and ignore that pixels are not square.
#
# Expected: the same surface, stored with its first row in the south, has the same slope, aspect and hillshade, or is refused.
# Found with xarray-spatial 0.5.3 and xdem 0.2.3: a slope that faces 291.8 degrees faces 248.2 degrees when the raster is stored
# south-up, without a warning; the slope is right. In pixels of 2 x 1 m, both ignore the size of the pixel in the aspect: 291.8
# instead of 308.7 degrees, while xarray-spatial's slope is right and xdem refuses to compute it. Hillshades made of such an
# aspect are lit from a wrong side.
# What the project does: every layer of a scene is brought to a north-up grid of square pixels (scenes/sources.py), and `img2height view` refuses others and names the command that warps them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet xarray-spatial==0.5.3 xdem==0.2.3 rioxarray==0.19.0 rasterio==1.4.4
cd "$folder"
env/bin/python -W ignore - <<'PYTHON'
import numpy as np
import rasterio
import rioxarray
import xdem
import xrspatial
from affine import Affine

east, south = 0.5, 0.2  # metres per pixel
y, x = np.mgrid[0:200, 0:200]
plane = (east * x + south * y).astype("float32")
GRIDS = {
    "north-up": (plane, Affine(1, 0, 5e5, 0, -1, 5.8e6), 291.8),
    "south-up": (plane[::-1], Affine(1, 0, 5e5, 0, 1, 5.8e6 - 200), 248.2),
    "2 x 1 m": (plane, Affine(2, 0, 5e5, 0, -1, 5.8e6), 291.8),
}


def true_aspect(width):
    """The direction in which the plane falls, in degrees from north."""
    return np.degrees(np.arctan2(-east / width, south)) % 360


print("xarray-spatial", xrspatial.__version__, "xdem", xdem.__version__)
for name, (values, transform, wrong) in GRIDS.items():
    with rasterio.open("plane.tif", "w", driver="GTiff", width=200, height=200, count=1, dtype="float32", crs="EPSG:32633",
                       transform=transform) as out:
        out.write(values, 1)
    array = rioxarray.open_rasterio("plane.tif").squeeze()
    slope, aspect = float(xrspatial.slope(array)[100, 100]), float(xrspatial.aspect(array)[100, 100])
    expected = np.degrees(np.arctan(np.hypot(east / transform.a, south)))
    peer = float(np.ma.median(xdem.DEM("plane.tif").aspect().data))
    print(f"{name}: slope {slope:.1f} ({expected:.1f} is right); aspect {aspect:.1f}, xdem {peer:.1f} ({true_aspect(transform.a):.1f} is right)")
    assert abs(slope - expected) < 0.1, "the behaviour has changed"
    assert abs(aspect - wrong) < 0.1 and abs(peer - wrong) < 0.1, "the behaviour has changed"
PYTHON
