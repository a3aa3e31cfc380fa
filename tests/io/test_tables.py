"""Tables as files: the same table gives the same bytes, whatever writes it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

WRITE = """
import os, sys, geopandas, numpy, shapely
from img2height.io.tables import write_geopackage
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[2])])
corners = numpy.arange(int(sys.argv[3]))
frame = geopandas.GeoDataFrame({"n": corners}, geometry=list(shapely.box(corners, 0, corners + 2, 3)), crs=32633)
write_geopackage(frame, sys.argv[1], "buildings")
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processors are only taken away on Linux")
@pytest.mark.parametrize("polygons", [0, 500])
def test_a_geopackage_does_not_depend_on_the_number_of_processors(tmp_path: Path, polygons: int) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("there is one processor")
    for cores in (1, 2):
        path = tmp_path / f"{cores}.gpkg"
        subprocess.run([sys.executable, "-c", WRITE, str(path), str(cores), str(polygons)], check=True)
    assert (tmp_path / "1.gpkg").read_bytes() == (tmp_path / "2.gpkg").read_bytes()
