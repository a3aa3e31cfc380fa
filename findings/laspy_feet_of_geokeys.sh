#!/usr/bin/env bash
# laspy reads a coordinate system from GeoTIFF keys without the unit of the axes: feet become metres without a word.
#
# Guess before the run: a file whose keys name EPSG:32104 (Nebraska, metres) and US survey feet as the unit of its axes
# (ProjLinearUnitsGeoKey), as several American surveys were delivered, gives a system in feet, or an error.
# Found with laspy 2.7.0: `parse_crs` returns EPSG:32104 in metres. The unit of the heights (VerticalUnitsGeoKey) is ignored too.
# What the product does: io/clouds.py reads these keys itself, refuses what contradicts the system, and applies the unit of heights.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "laspy==${LASPY:-2.7.0}" pyproj numpy
cd "$folder"
env/bin/python - <<'PYTHON'
import laspy
import numpy as np
from laspy.vlrs.geotiff import GeoKeyEntryStruct
from pyproj import CRS

cloud = laspy.create(point_format=1, file_version="1.2")
cloud.header.add_crs(CRS.from_epsg(32104))
keys = next(record for record in cloud.header.vlrs if hasattr(record, "geo_keys"))
feet = [GeoKeyEntryStruct(id=key, tiff_tag_location=0, count=1, value_offset=9003) for key in (3076, 4099)]
keys.geo_keys.extend(feet)
keys.geo_keys_header.number_of_keys += 2
cloud.x, cloud.y, cloud.z = np.array([2445000.0]), np.array([604300.0]), np.array([1400.0])
cloud.write("feet.las")

with laspy.open("feet.las") as file:
    codes = [key.id for record in file.header.vlrs if hasattr(record, "geo_keys") for key in record.geo_keys]
    found = file.header.parse_crs()
units = [axis.unit_name for axis in found.axis_info]
print("laspy", laspy.__version__, "keys", codes, "->", found.name, units)
assert {3076, 4099} <= set(codes)
assert units == ["metre", "metre"], units
PYTHON
