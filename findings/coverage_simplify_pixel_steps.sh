#!/usr/bin/env bash
# shapely.coverage_simplify with a tolerance of 1 m keeps each step of half a metre that pixels make in a straight wall.
#
# Guess before the run: a tolerance of 1 m removes what is smaller than 1 m, as in `shapely.simplify`: the wall becomes one
# straight edge.
# Found with shapely 2.2.0 (GEOS 3.14.1): the tolerance is the square root of an area. A step of 0.5 m in a wall that climbs
# one pixel in ten cuts triangles of 1.25 m2, so none goes, whatever the length of the wall; a tolerance that removes them
# also removes bays of 1.4 x 1.4 m. Outlines from masks stay ragged along all walls at a small angle to the pixels.
# What the product does: it simplifies each wall between two buildings once, by distance, and checks the coverage afterwards
# (buildings/outlines.py, docs/outlines.md).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "shapely==${SHAPELY:-2.2.0}"
"$folder/env/bin/python" - <<'PYTHON'
import shapely

wall = [(0.0, 0.0)]
for k in range(6):  # pixels of 0.5 m, one row higher every ten
    wall += [(5 * k + 5, 0.5 * k), (5 * k + 5, 0.5 * k + 0.5)]
house = shapely.Polygon([*wall, (0, 20)])
by_distance, (by_area,) = house.simplify(1.0), shapely.coverage_simplify([house], 1.0)
found = [len(shape.exterior.coords) - 1 for shape in (house, by_distance, by_area)]
print("corners: of the pixels {}, shapely.simplify(1.0) {}, coverage_simplify(1.0) {}".format(*found))
print("largest step", by_area.hausdorff_distance(by_distance), "m; shapely", shapely.__version__, "GEOS", shapely.geos_version)
assert found[1] <= 5 and found[2] >= 12, found
PYTHON
