"""The vendored library is the published one: its files have the recorded digests."""

import re
from pathlib import Path

import img2height.view
from img2height.io.atomic import file_digest

FOLDER = Path(img2height.view.__file__).parent / "vendor"


def test_vendored_files_have_the_recorded_digests() -> None:
    listed = dict(re.findall(r"^\| `([^`]+)` .*\| `([0-9a-f]{64})` \|$", (FOLDER / "README.md").read_text(), re.M))
    assert {path.name for path in FOLDER.iterdir()} == {*listed, "README.md"}
    assert {name: file_digest(FOLDER / name) for name in listed} == listed
