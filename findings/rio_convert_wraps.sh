#!/usr/bin/env bash
# `rio convert --dtype uint8` with a scale wraps values above 255 round instead of clamping them.
#
# Guess before the run: like gdal_translate -ot Byte -scale, it clamps: 300 becomes 255, and nodata stays nodata.
# Found with rasterio 1.5.2: values are taken modulo 256 without a word, so that the brightest pixels of a 16-bit image come
# out dark. With 1.4.4 nodata, 0 here, is scaled too and wraps to 196, which stands for nothing any more.
# What the product does: docs/own-data.md scales with gdal_translate; a prediction warns of images whose values are far from
# those of the model's training.
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

stored = np.array([[[0, 100, 300, 525, 600, 1000]]], np.uint16)
profile = {"driver": "GTiff", "width": 6, "height": 1, "count": 1, "dtype": "uint16", "crs": "EPSG:32633", "nodata": 0}
with rasterio.open("in.tif", "w", **profile, transform=Affine(1, 0, 5e5, 0, -1, 5.8e6)) as out:
    out.write(stored)
PYTHON
env/bin/rio convert --dtype uint8 --scale-ratio 0.6 --scale-offset -60 in.tif out.tif
env/bin/python - <<'PYTHON'
import rasterio

with rasterio.open("in.tif") as before, rasterio.open("out.tif") as after:
    given, found = before.read(1)[0].tolist(), after.read(1)[0].tolist()
    nodata = after.nodata
print("rasterio", rasterio.__version__)
for value, stored in zip(given, found):
    print(f"{value:5} x 0.6 - 60 = {value * 0.6 - 60:5.0f}: stored as {stored}")
print("nodata of the result:", nodata)
assert found[1:] == [int(value * 0.6 - 60) % 256 for value in given[1:]], found
assert (found[0] == nodata) == (rasterio.__version__ >= "1.5"), found
PYTHON
