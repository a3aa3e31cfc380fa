#!/usr/bin/env bash
# laspy reads a truncated LAS file without an error: it returns the points that are there.
#
# Guess before the run: reading a file that was cut off raises an exception, as it does for LAZ.
# Found with laspy 2.7.0: `read_points` and `read` return fewer points than the header counts, and log one line ("Could only
# read ..."), which nobody sees unless logging is set up. A surface made from it has a hole where the rest of the points would be.
# What the product does: io/clouds.py counts the points of each chunk and raises an error that names the file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "laspy==${LASPY:-2.7.0}" numpy
cd "$folder"
env/bin/python - <<'PYTHON'
from pathlib import Path

import laspy
import numpy as np

cloud = laspy.create(point_format=6, file_version="1.4")
cloud.x = cloud.y = cloud.z = np.arange(1000.0)
cloud.write("whole.las")
record = 30
Path("cut.las").write_bytes(Path("whole.las").read_bytes()[: -400 * record])
with laspy.open("cut.las") as file:
    count, found = file.header.point_count, len(file.read_points(1000))
print("laspy", laspy.__version__, "points in the header:", count, "read without an error:", found)
assert (count, found) == (1000, 600), (count, found)
PYTHON
