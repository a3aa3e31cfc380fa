"""The official schemas of CityJSON 2.0, which no package for Python on Linux installs.

The official validator is compiled with them (https://github.com/cityjson/cjval); they are read from its Windows wheel.
"""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from img2height.buildings import extract
from img2height.buildings.cityjson import write_cityjson, write_cityjson_sequence

WHEEL = "cjvalpy==0.4.1 --hash=sha256:44d40cc10e7719ee0b3c20c7d0eea8b39ed68670eb1c014e1472d0da0a72f68d"
TARGET = ["--platform", "win_amd64", "--python-version", "311", "--only-binary", ":all:", "--no-deps"]
START = '{"$schema":"http://json-schema.org/'
SCHEMAS = "https://www.cityjson.org/schemas/2.0.0"


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """Return all schemas in the wheel by their identifiers."""
    folder = tmp_path_factory.mktemp("cjvalpy")
    (folder / "wanted.txt").write_text(WHEEL)
    command = [sys.executable, "-m", "pip", "download", "-r", folder / "wanted.txt", "-d", folder, *TARGET]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (library,) = (name for name in archive.namelist() if name.endswith(".pyd"))
        text = archive.read(library).decode("latin-1")
    places = (match.start() for match in re.finditer(re.escape(START), text))
    found = [json.JSONDecoder().raw_decode(text, place)[0] for place in places]
    return {schema.get("$id", ""): schema for schema in found}


@pytest.mark.slow
def test_files_are_valid_by_the_official_schemas(schemas, tmp_path: Path):
    height = np.zeros((60, 100), np.float32)
    height[5:45, 5:25], height[5:45, 25:50], height[5:45, 60:95] = 6, 9, 12
    height[15:30, 70:85] = 0  # a courtyard
    mask, height[50:58, 5:25] = height > 0, np.nan
    mask[50:58, 5:25] = True  # a building without heights
    place = Affine(0.5, 0, 500_000, 0, -0.5, 5_400_000)
    frame = extract(height, mask, place, CRS.from_epsg(25832), split_step_m=0.5, ground=np.full_like(height, 100))
    assert len(frame) == 4 and frame["height_m"].isna().sum() == 1
    write_cityjson(frame, tmp_path / "a.city.json", "test")
    write_cityjson_sequence(frame, tmp_path / "a.city.jsonl", "test")
    header, *features = map(json.loads, (tmp_path / "a.city.jsonl").read_text().splitlines())
    whole = jsonschema.Draft7Validator(schemas[f"{SCHEMAS}/cityjson.schema.json"])
    single = jsonschema.Draft7Validator(schemas[f"{SCHEMAS}/cityjsonfeature.schema.json"])
    for model in (json.loads((tmp_path / "a.city.json").read_text()), header):
        assert [error.message for error in whole.iter_errors(model)] == []
    assert len(features) == 4
    assert [error.message for feature in features for error in single.iter_errors(feature)] == []
    assert list(whole.iter_errors(header | {"version": "9"})) and list(single.iter_errors(features[0] | {"id": 1}))
