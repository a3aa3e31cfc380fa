#!/usr/bin/env bash
# Writing a mosaic (VRT) again from one of its own parts deletes its other parts from the disk.
#
# Expected: a VRT is a text file that names rasters; rewriting it replaces the text and changes no raster.
# Found with rasterio 1.5.2 and with 1.4.4 (GDAL 3.10.3): after `rasterio.shutil.copy("a.tif", "mosaic.vrt", driver="VRT")`
# over a mosaic of a.tif and b.tif, b.tif is deleted without a message. If the source is not a part of the mosaic, nothing
# is lost: GDAL's copy deletes the files of the old target only if one of them belongs to the source too.
# What the project does: it writes no mosaics, and writes every raster under a temporary name that is moved into place.
# docs/own-data.md says to give a changed mosaic a new name.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "rasterio==${RASTERIO:-1.5.2}" numpy
mkdir "$folder/tiles"
cd "$folder/tiles"
../env/bin/python - <<'PYTHON'
import os

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine


def files_after_copy(source):
    profile = {"driver": "GTiff", "width": 4, "height": 4, "count": 1, "dtype": "uint8", "crs": "EPSG:32633"}
    for name in ("a.tif", "b.tif", "c.tif"):
        with rasterio.open(name, "w", **profile, transform=Affine(1, 0, 5e5, 0, -1, 5.8e6)) as out:
            out.write(np.ones((1, 4, 4), np.uint8))
    rasterio.shutil.copy("a.tif", "first.vrt", driver="VRT")
    text = open("first.vrt").read()
    part = text[text.index("<SimpleSource") : text.index("</SimpleSource>") + len("</SimpleSource>")]
    with open("mosaic.vrt", "w") as out:
        out.write(text.replace(part, part + part.replace("a.tif", "b.tif")))
    rasterio.shutil.copy(source, "mosaic.vrt", driver="VRT")
    found = sorted(os.listdir("."))
    print(f"mosaic of a.tif and b.tif written again from {source}:", *found)
    for name in found:
        os.remove(name)
    return found


print("rasterio", rasterio.__version__, "GDAL", rasterio.__gdal_version__)
assert files_after_copy("a.tif") == ["a.tif", "c.tif", "first.vrt", "mosaic.vrt"]
assert files_after_copy("c.tif") == ["a.tif", "b.tif", "c.tif", "first.vrt", "mosaic.vrt"]
PYTHON
