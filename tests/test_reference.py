"""docs/reference is what `make reference` makes; every key is described, every quantity has a unit and sane bounds."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest

from img2height.published.table import Figure, Table
from img2height.settings.base import Settings
from img2height.settings.project import Dataset, Experiment, Params, Recipe
from img2height.studies.study import Study

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "reference"
FREE = {"`options`", "`printed`"}  # their units depend on the network or table
ROWS = [
    (page.stem, *re.split(r" \| ", line.strip("| \n")))
    for page in sorted(PAGES.glob("*.md"))
    for line in page.read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
]


def test_the_pages_are_those_of_the_settings(tmp_path):
    subprocess.run([sys.executable, ROOT / "docs" / "make_reference.py", "--out", tmp_path], check=True)
    made, committed = ({page.name: page.read_text() for page in folder.iterdir()} for folder in (tmp_path, PAGES))
    assert made == committed, "run `make reference`"


@pytest.mark.parametrize(
    ("page", "row"),
    [
        ("protocol", "| `window_px` | whole number | required | px | > 0, ≤ 8,192, multiple of 16 |"),
        ("protocol", "| `buffer_m` | number or null | `null` | m | ≥ 0, ≤ 100,000 |"),
        ("protocol", "| `train` | list: [number, number] | required | share | ≥ 0, ≤ 1 |"),
        ("methods", "| `inputs` | mapping: list: text | required |  |  |"),
        ("methods", "| `optimizer` | [Optimizer](#optimizer) | required |  |  |"),
        ("datasets", "| `look_azimuth_deg` | number or null | `null` | ° | ≥ 0, < 360 |"),
        ("experiments", '| `folds` | list: whole number or `all` | `"all"` |  | ≥ 0 |'),
        ("published", "| `columns` | list: [Column](#column) | required |  | 1 or more |"),
        ("studies", "| `question` | `leakage`, `transfer`, `area` | required |  |  |"),
    ],
)
def test_a_row_has_type_default_unit_and_bounds(page, row):
    assert row in (PAGES / f"{page}.md").read_text(encoding="utf-8")


def models(*roots: Any) -> set[type[Settings]]:
    """Return the settings that types hold, at any depth."""
    own = {root for root in roots if isinstance(root, type) and issubclass(root, Settings)}
    parts = [field.annotation for model in own for field in model.model_fields.values()]
    parts += [part for root in roots for part in get_args(root)]
    return own | (models(*parts) if parts else set())


MODELS = models(Params, Experiment, Recipe, Dataset, Table, Figure, Study)


def test_every_key_is_described_and_every_quantity_has_a_unit():
    assert len(ROWS) == sum(len(model.model_fields) for model in MODELS)
    assert [row for row in ROWS if len(row) != 7 or not row[6].strip()] == []
    quantities = [row for row in ROWS if re.search(r"(?<!whole )number", row[2]) and row[1] not in FREE]
    assert [row for row in quantities if not row[4].strip()] == []


def test_no_bound_of_a_key_overrides_another():
    """Of `le` in a type and `le` in its Field pydantic checks only one."""
    for model in MODELS:
        for name, field in model.model_fields.items():
            bounds = Counter(type(bound) for bound in field.metadata)
            assert max(bounds.values(), default=1) == 1, f"{model.__name__}.{name}"
