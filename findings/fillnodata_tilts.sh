#!/usr/bin/env bash
# GDAL's FillNodata fills a hole in a slope too high if the ground rises to the right, and too low if it falls.
#
# Guess before the run: a mirrored raster is filled with the mirrored heights, so that a hole in a plane gets no tilt.
# Found with rasterio 1.4.4 (GDAL 3.10.3), and the same with GDAL 3.12.4: the heights are weighted by inverse distance, but the
# four quadrants that they come from are not symmetric: the row and the column of the pixel belong to some of them only. On a
# plane, a single missing pixel is off by up to half of the rise per pixel, a hole of 21 x 21 by a third on average and by five
# times the rise in its middle row. The error has the sign of the slope: mirroring the raster turns it round. No message.
# What the project does: it fills with the mean over the four mirror images of the raster (scenes/holes.py), which has no tilt.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "rasterio==${RASTERIO:-1.4.4}" numpy
"$folder/env/bin/python" - <<'PYTHON'
import numpy as np
import rasterio
from rasterio.fill import fillnodata


def errors(plane, side):
    """Heights of a filled square hole minus the plane, for a plane that rises by 1 per pixel."""
    hole = np.s_[20 : 20 + side, 20 : 20 + side]
    valid = np.ones(plane.shape, bool)
    valid[hole] = False
    return (fillnodata(np.where(valid, plane, 0), valid, max_search_distance=100) - plane)[hole]


print("rasterio", rasterio.__version__, "GDAL", rasterio.__gdal_version__)
found = {}
for side in (1, 3, 21):
    right = np.tile(np.arange(side + 40, dtype=np.float32), (side + 40, 1))
    planes = {"right": right, "left": right[:, ::-1], "down": right.T, "up": right.T[::-1]}
    for rises, plane in planes.items():
        error = errors(plane, side)
        found[side, rises] = error.mean(), error[side // 2, side // 2]
        print(f"hole of {side:2} px, ground rises {rises:5}: error {error.mean():+.2f} on average, ", end="")
        print(f"{error[side // 2, side // 2]:+.2f} in the middle, largest {np.abs(error).max():.2f}")
for side in (1, 3, 21):
    for one, other in (("right", "left"), ("down", "up")):
        assert found[side, one][0] > 0.15 and np.allclose(found[side, one], -np.array(found[side, other]), atol=1e-3), (
            "the behaviour has changed"
        )
PYTHON
