#!/usr/bin/env bash
# A polygon whose corners lie on pixel centres covers a row more on a north-up grid than on the same grid south-up.
#
# Guess before the run: the rule of the pixel centre gives a house of 10 x 10 m on such corners 10 x 10 pixels of 1 m on
# either grid, because a tie is decided for one of two opposite sides.
# Found with rasterio 1.5.2 (GDAL 3.12.2), and with 1.4.4 (GDAL 3.10.3): `rasterio.features.rasterize` gives 10 x 10 pixels
# on a south-up grid, and 11 x 10 on a north-up one, where both the first and the last row of centres count. Footprints that
# were digitised at half metres over pixels of 1 m, as cadastres deliver them, become 10 % too large.
# What the product does: its masks follow the pixel centre with ties decided for one side only (docs/own-data.md); a test
# asks for the area of the polygons within 1 % at any offset (tests/scenes/test_footprints.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "rasterio==${RASTERIO:-1.5.2}" numpy
"$folder/env/bin/python" - <<'PYTHON'
import rasterio
from affine import Affine
from rasterio.features import rasterize

house = {"type": "Polygon", "coordinates": [[(5.5, 5.5), (15.5, 5.5), (15.5, 15.5), (5.5, 15.5), (5.5, 5.5)]]}
found = {}
for name, transform in {"north-up": Affine(1, 0, 0, 0, -1, 30), "south-up": Affine(1, 0, 0, 0, 1, 0)}.items():
    mask = rasterize([house], (30, 30), transform=transform)
    found[name] = int(mask.any(axis=1).sum()), int(mask.any(axis=0).sum())
    print(f"{name}: {found[name][0]} rows x {found[name][1]} columns")
print("rasterio", rasterio.__version__, "GDAL", rasterio.__gdal_version__)
assert found == {"north-up": (11, 10), "south-up": (10, 10)}, found
PYTHON
