#!/usr/bin/env bash
# GDAL's PMTiles driver cannot write a layer without features: it fails, or writes a file that it cannot read.
#
# Expected: an archive without tiles whose metadata names the layer, as an empty GeoPackage or FlatGeobuf has it.
# Found with pyogrio 0.13.0 (GDAL 3.12.4): with the usual options the layer is refused at the end with "Invalid bounds".
# The hint leads astray: given bounds, as the MBTiles driver takes them, an archive is written without an error, but its
# metadata has no vector_layers, and the same driver refuses to open it.
# What the project does: no vector tiles are written where there are no buildings, with an error that says so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "pyogrio==0.13.0" geopandas==1.1.1
cd "$folder"
env/bin/python - <<'PYTHON'
import warnings

import geopandas
import pyogrio
from shapely.geometry import box

warnings.simplefilter("ignore")
none = geopandas.GeoDataFrame({"height_m": [3.0]}, geometry=[box(0, 0, 9, 9)], crs="EPSG:3857")[:0]
found = {}
for name, options in {"plain": {}, "bounds": {"BOUNDS": "-1,-1,1,1"}}.items():
    options |= {"MINZOOM": "12", "MAXZOOM": "15"}
    try:
        pyogrio.write_dataframe(
            none, f"{name}.pmtiles", layer="b", driver="PMTiles", geometry_type="Polygon", dataset_options=options
        )
        found[name] = "written"
        pyogrio.read_dataframe(f"{name}.pmtiles")
        found[name] = "read"
    except pyogrio.errors.DataSourceError as error:
        found[name] = f"{found.get(name, 'not written')}: {error}"
print("pyogrio", pyogrio.__version__, "GDAL", pyogrio.__gdal_version__)
print(found)
assert found["plain"].startswith("not written") and "Invalid bounds" in found["plain"], found
assert found["bounds"].startswith("written: ") and "vector_layers" in found["bounds"], found
PYTHON
