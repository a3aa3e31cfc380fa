"""The command, its exit status and what it prints."""

from pathlib import Path

from correction_cases import heights, write_map, write_points
from typer.testing import CliRunner, Result

from img2height.cli.app import app


def run(folder: Path, *more: str, out: str = "out.tif") -> Result:
    files = [str(folder / "map.tif"), str(folder / "k.csv"), "--out", str(folder / out)]
    meant = ["--quantity", "above_ground", "--unit", "metre", "--crs", "EPSG:32633"]
    return CliRunner().invoke(app, ["calibrate", *files, *meant, *more])


def test_it_prints_errors_before_and_after_and_writes_a_map_and_a_report(tmp_path):
    write_map(tmp_path / "map.tif", 0.8 * heights() + 1)
    write_points(tmp_path / "k.csv", heights())
    done = run(tmp_path)
    assert done.exit_code == 0
    assert [line.split("  ")[0] for line in done.stdout.splitlines()[1:7]] == [
        "correction", "none", "constant", "affine", "affine by class", "boosted trees",
    ]  # fmt: skip
    assert "affine: ground: 1.250 x height -1.25 m" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"map.tif", "k.csv", "out.tif", "out.json"}


def test_a_script_sees_that_the_heights_do_not_help(tmp_path):
    write_map(tmp_path / "map.tif", heights())
    write_points(tmp_path / "k.csv", heights())
    done = run(tmp_path)
    assert done.exit_code == 1
    assert "k.csv: does not make " in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"map.tif", "k.csv"}


def test_no_input_is_overwritten_and_words_are_checked(tmp_path):
    write_map(tmp_path / "map.tif", heights())
    write_points(tmp_path / "k.csv", heights())
    for more, out, message in (
        ((), "map.tif", "is one of the files to read"),
        (("--unit", "meter"), "out.tif", "did you mean 'metre'?"),
        (("--quantity", "height"), "out.tif", "--quantity: 'height'"),
    ):
        done = run(tmp_path, *more, out=out)
        assert done.exit_code == 2
        assert message in done.stderr
