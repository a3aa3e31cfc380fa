"""The cost of methods, against counts of the papers' networks."""

import shutil
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


def test_the_table_has_a_row_for_each_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "config" / "methods"
    folder.mkdir(parents=True)
    for name in ("zero_height", "im2height"):
        shutil.copy(recipes_folder().resolve() / f"{name}.yaml", folder)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["methods"])
    assert result.exit_code == 0
    header, im2height, zero = result.stdout.splitlines()
    assert header.split()[:5] == ["method", "trainable", "batch", "norm", "GMAC"]
    assert im2height.split()[:6] == ["im2height", "3,976,907", "4,864", "9.99", "256", "px"]
    assert zero.split()[:4] == ["zero_height", "0", "0", "0.00"]
