#!/usr/bin/env bash
# The mask of a mosaic (VRT) made from the nodata of its parts is right in the first row only.
#
# Expected: <SourceBand>mask,1</SourceBand> in the <MaskBand> of a VRT is 0 wherever the part has its nodata value, as the
# mask of the part itself is.
# Found with rasterio 1.4.4 (GDAL 3.10.3): if the mosaic is wider than the part, or a part of its width is read, only the first
# row of each read is 0; nodata in the other rows counts as valid, without a message. Parts with an internal mask are right, and
# so is rasterio 1.5.2 (GDAL 3.12.2).
# What the project does: mosaics have the nodata value that all parts have in common, and parts with different ones are refused
# until one is declared (io/vrt.py); masks are used only if parts have one, or none has nodata, and parts of both kinds are
# refused (io/mosaic_parts.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "rasterio==${RASTERIO:-1.4.4}" numpy
cd "$folder"
env/bin/python - <<'PYTHON'
import sys

import numpy as np
import rasterio
from affine import Affine

PART = """<SimpleSource><SourceFilename relativeToVRT="1">part.tif</SourceFilename><SourceBand>{}</SourceBand>
<SrcRect xOff="0" yOff="0" xSize="8" ySize="8"/><DstRect xOff="0" yOff="0" xSize="8" ySize="8"/></SimpleSource>"""
MOSAIC = """<VRTDataset rasterXSize="{width}" rasterYSize="8"><GeoTransform>5e5, 1, 0, 5.8e6, 0, -1</GeoTransform>
<VRTRasterBand dataType="Byte" band="1">{values}</VRTRasterBand>
<MaskBand><VRTRasterBand dataType="Byte">{mask}</VRTRasterBand></MaskBand></VRTDataset>"""


def valid_rows(width):
    with open("mosaic.vrt", "w") as out:
        out.write(MOSAIC.format(width=width, values=PART.format(1), mask=PART.format("mask,1")))
    with rasterio.open("mosaic.vrt") as mosaic:
        return [int(row.any()) for row in mosaic.read_masks(1)[:, :8]]


profile = {"driver": "GTiff", "width": 8, "height": 8, "count": 1, "dtype": "uint8", "nodata": 7}
with rasterio.open("part.tif", "w", **profile, transform=Affine(1, 0, 5e5, 0, -1, 5.8e6)) as out:
    out.write(np.full((1, 8, 8), 7, np.uint8))
with rasterio.open("part.tif") as part:
    print("rasterio", rasterio.__version__, "GDAL", rasterio.__gdal_version__)
    print("valid rows of the part, all nodata:      ", [int(row.any()) for row in part.read_masks(1)])
same, wider = valid_rows(8), valid_rows(16)
print("valid rows in a mosaic of the same width:", same)
print("valid rows in a mosaic of twice the width:", wider)
sys.exit(0 if same == [0] * 8 and wider == [0] + [1] * 7 else "the behaviour has changed")
PYTHON
