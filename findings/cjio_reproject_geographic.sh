#!/usr/bin/env bash
# cjio reprojects a city model to degrees with a scale of 0, so that all buildings collapse into one point.
#
# Expected: vertices are stored with a scale fine enough for degrees, for example 1e-7, or the command refuses them.
# Found with cjio 0.10.1: `crs_reproject 4979` of a valid CityJSON 2.0 file in EPSG:25832 keeps the number of decimals of
# the old scale, and writes `"scale": [0.0, 0.0, 0.0]`. The vertices remain different integers, but each is multiplied by 0:
# a building of 12 x 10 m has no extent. The command ends with exit code 0.
# What the project does: docs/buildings.md says to keep CityJSON in its projected system, or to reproject the GeoPackage.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "cjio==0.10.1" "pyproj==3.7.2"
cd "$folder"
cat > model.py <<'PYTHON'
import json
import sys

FACES = [[3, 2, 1, 0], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]]
solid = {"type": "Solid", "lod": "1.2", "boundaries": [[[face] for face in FACES]]}
corners = [[x, y, z] for z in (0, 80_000) for x, y in ((0, 0), (120_000, 0), (120_000, 100_000), (0, 100_000))]
model = {
    "type": "CityJSON", "version": "2.0",
    "transform": {"scale": [0.0001] * 3, "translate": [500_000, 5_400_000, 100]},
    "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832"},
    "CityObjects": {"house": {"type": "Building", "geometry": [solid]}},
    "vertices": corners,
}
if sys.argv[1:] == ["write"]:
    json.dump(model, open("house.city.json", "w"))
else:
    found = json.load(open("moved.city.json"))
    places = {tuple(number * step for number, step in zip(v, found["transform"]["scale"])) for v in found["vertices"]}
    print("scale", found["transform"]["scale"], "vertices", len(found["vertices"]), "places", len(places))
    assert len({tuple(v) for v in found["vertices"]}) == 8
    assert len(places) == 1
PYTHON
env/bin/python model.py write
env/bin/cjio house.city.json crs_reproject 4979 save moved.city.json
env/bin/python model.py
