"""The cost of methods, against counts of the papers' networks."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from img2height.cli.app import app
from img2height.cli.methods import describe_method
from img2height.methods import recipes_folder

ATTENTIONS, TOKENS, WIDTH = 16, 32 * 32, 512
ATTENTION_GMAC = ATTENTIONS * 2 * TOKENS**2 * WIDTH / 1e9  # two products of tokens, which the count of 206.3 leaves out


@pytest.mark.parametrize(
    ("name", "tile_px", "gmac"),
    [
        ("im2height", None, 9.99),
        ("eigen", None, 2.16),
        ("resdepth_stereo", 512, 39.6),
        ("squeezenet", 512, 30.2),
        ("fusionheightnet", 512, 206.3 + ATTENTION_GMAC),
        ("zero_height", None, 0.0),
    ],
)
def test_multiply_accumulates(name: str, tile_px: int | None, gmac: float) -> None:
    row = describe_method(name, tile_px)
    assert row.gmac == pytest.approx(gmac, rel=3e-3)
    assert row.tile_px == (tile_px or 256)


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a function that lists the two methods of a project; tests/test_docs.py lists all methods."""
    folder = tmp_path / "config" / "methods"
    folder.mkdir(parents=True)
    for name in ("zero_height", "im2height"):
        shutil.copy(recipes_folder().resolve() / f"{name}.yaml", folder)
    monkeypatch.chdir(tmp_path)

    def run(*flags: str) -> str:
        result = CliRunner().invoke(app, ["methods", *flags])
        assert result.exit_code == 0
        return result.stdout

    return run


def test_the_table_has_a_row_for_each_method(listed: Callable[..., str]) -> None:
    header, im2height, zero = listed().splitlines()
    assert header.split()[:5] == ["method", "trainable", "batch", "norm", "GMAC"]
    assert im2height.split()[:6] == ["im2height", "3,976,907", "4,864", "9.99", "256", "px"]
    assert zero.split()[:4] == ["zero_height", "0", "0", "0.00"]


def test_methods_are_listed_as_json_with_exactly_the_documented_keys(listed: Callable[..., str]) -> None:
    methods = {method["name"]: method for method in json.loads(listed("--json"))}
    assert sorted(methods) == ["im2height", "zero_height"]
    keys = {
        "name",
        "paper",
        "inputs",
        "optional",
        "target",
        "trainable_parameters",
        "batchnorm_buffers",
        "tile_px",
        "gmac",
    }
    assert all(set(method) == keys for method in methods.values())
    published = methods["im2height"]
    assert (published["trainable_parameters"], published["batchnorm_buffers"]) == (3_976_907, 4_864)
    assert published["inputs"] == {"eo": ["red", "green", "blue"]}
    assert methods["zero_height"]["paper"] is None
