"""The example of docs/scores.md runs as it is printed."""

import re
from pathlib import Path

import geopandas
import pytest
from shapely import box

PAGE = Path(__file__).parents[2] / "docs/scores.md"


def test_the_example_runs_on_files_of_a_gis(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, east, height in ("predicted", 1, 7.0), ("reference", 0, 6.0):
        shapes = [box(east + left, 0, east + left + 10, 10) for left in (0, 30)]
        values = {"height_m": height, "volume_m3": 100 * height, "area_m2": 100.0}
        frame = geopandas.GeoDataFrame([values] * 2, geometry=shapes, crs="EPSG:25832")
        frame.to_file(f"{name}.gpkg")
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict = {}
    exec(compile(example, str(PAGE), "exec"), names)
    printed = capsys.readouterr().out
    assert names["found"].iou == pytest.approx([9 / 11] * 2)
    assert "boundary_iou" in printed and "height_3_10" in printed
