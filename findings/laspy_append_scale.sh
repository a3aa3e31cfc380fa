#!/usr/bin/env bash
# laspy appends points that have another scale at wrong coordinates: those in millimetres end up ten times as far and high.
#
# Guess before the run: appended points keep their coordinates, since a record of points knows its own scale.
# Found with laspy 2.7.0: `append_points` stores the integers of the points as they are. Points in millimetres that are appended
# to a file in centimetres, LAS or LAZ, get ten times their coordinates and heights, without an error or a warning, and the
# bounds in the header follow. `write_points` of the writer converts the same points to the scale of the file.
# What the project does: it appends to no point cloud; all points of a file that it writes have one scale (inference/points.py).
# Of clouds that it reads, points outside the grid are left out, and a surface of which more than half would have no point is
# refused (scenes/points.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "laspy==${LASPY:-2.7.0}" "lazrs==0.8.2" numpy
cd "$folder"
env/bin/python - <<'PYTHON'
import laspy
import numpy as np


def cloud(scale):
    """Three points 100 to 102 m high, with all coordinates stored as multiples of a scale."""
    header = laspy.LasHeader(point_format=6, version="1.4")
    header.scales = [scale] * 3
    points = laspy.LasData(header)
    points.x = points.y = np.arange(3.0) + 500
    points.z = np.arange(3.0) + 100
    return points


print("laspy", laspy.__version__)
for name in ("cloud.las", "cloud.laz"):
    found = {}
    cloud(0.01).write(name)
    with laspy.open(name, "a") as file:
        file.append_points(cloud(0.001).points)
    found["append_points"] = laspy.read(name)
    with laspy.open(name, "w", header=cloud(0.01).header) as file:
        file.write_points(cloud(0.01).points)
        file.write_points(cloud(0.001).points)
    found["write_points"] = laspy.read(name)
    for how, read in found.items():
        print(f"{name} {how:13} heights {np.asarray(read.z).tolist()}, upper bounds {read.header.maxs.tolist()}")
    assert np.allclose(found["write_points"].z, [100, 101, 102] * 2), "the behaviour has changed"
    assert np.allclose(found["append_points"].z, [100, 101, 102, 1000, 1010, 1020]), "the behaviour has changed"
    assert np.allclose(found["append_points"].header.maxs, [5020, 5020, 1020]), "the behaviour has changed"
PYTHON
