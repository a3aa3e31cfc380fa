"""Imports from the command line: what is printed and written, and one line and nothing left for odd deliveries."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import yaml
from cloud_cases import terrain_points, write_cloud
from raw_cases import SIDE, UTM, deliver, ramp, write
from script_steps import files
from typer.testing import CliRunner, Result

from img2height.cli.app import app
from img2height.settings.dataset import Dataset
from img2height.settings.parsing import parse_file


@pytest.fixture
def delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a delivery of one scene below the folder of a project."""
    monkeypatch.chdir(tmp_path)
    deliver(tmp_path / "given/town")
    return tmp_path / "given"


def called(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["import-dataset", *arguments])


def tiles(root: Path) -> None:
    """Cut the image into four tiles and remove all other names."""
    (root / "cut").mkdir()
    with rasterio.open(root / "town/eo.tif") as image:
        stack, half = image.read(), SIDE // 2
        for row in (0, 1):
            for column in (0, 1):
                part = stack[:, row * half : row * half + half, column * half : column * half + half]
                write(
                    root / f"cut/town_{column}_{row}_image.tif", part, west=image.bounds.left + column * half,
                    north=image.bounds.top - row * half, names=["Red", "Green", "Blue"],
                )  # fmt: skip


def test_a_folder_is_linked_described_and_checked(delivery: Path) -> None:
    done = called("folder", str(delivery), "--name", "mine")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0] == "mine: 1 scene, Own rasters; unrecorded"
    assert lines[1].split() == ["town", "1", "tiles", "split", "eo,", "dsm,", "dtm,", "building"]
    assert "wrote config/datasets/mine.yaml, config/experiments/mine.yaml" in lines
    assert Path("data/raw/mine/files").resolve() == delivery
    dataset = parse_file(Dataset, Path("config/datasets/mine.yaml"))
    assert dataset.scenes["town"].layers.get("dsm").path == "files/town/dsm.tif"
    assert yaml.safe_load(Path("config/experiments/mine.yaml").read_text())["scenes"] == {"mine": {"town": "split"}}


def test_point_clouds_take_the_place_of_height_rasters(delivery: Path) -> None:
    """Here without a coordinate system and a unit, which are declared."""
    for name in ("dsm", "dtm"):
        (delivery / f"town/{name}.tif").unlink()
    for number, half in enumerate(np.array_split(terrain_points(SIDE, per_pixel=3), 2)):
        write_cloud(delivery / f"town/{number}.laz", half, crs=None)
    refused = called("folder", str(delivery), "--name", "mine")
    assert (refused.exit_code, "--declare points.KEY=VALUE" in refused.stderr) == (2, True)
    assert "states no coordinate system" in refused.stderr
    flags = ["--declare", "points.unit=metre", "--declare", f"points.crs={UTM}"]
    done = called("folder", str(delivery), "--name", "mine", *flags)
    assert done.exit_code == 0, done.output
    town = parse_file(Dataset, Path("config/datasets/mine.yaml")).scenes["town"]
    assert town.points and town.points.unit == "metre"
    assert town.names == ["eo", "building", "dsm", "dtm"]
    linked = Path("data/raw/mine") / town.points.path
    assert [path.name for path in sorted(linked.iterdir())] == ["0.laz", "1.laz"]
    assert all(path.is_file() for path in linked.iterdir())


def test_a_delivery_in_its_place_needs_no_link(delivery: Path) -> None:
    Path("data/raw").mkdir(parents=True)
    delivery.rename("data/raw/mine")
    assert called("folder", "data/raw/mine").exit_code == 0
    assert parse_file(Dataset, Path("config/datasets/mine.yaml")).scenes["town"].layers.eo.path == "town/eo.tif"
    assert called("folder", "data/raw/mine", "--replace").exit_code == 0


def test_tiles_become_a_mosaic_and_patterns_name_scenes_and_tiles(delivery: Path) -> None:
    tiles(delivery)
    flags = ["eo=cut/{scene}_{tile}_image.tif", "dsm={scene}/dsm.tif", "dtm={scene}/dtm.tif"]
    done = called("folder", str(delivery), "--name", "mine", *(f"--layer={flag}" for flag in flags))
    assert done.exit_code == 0, done.output
    assert "missing: dsm of 4 of 5 tiles, e.g. in scene town" in done.output
    assert files(Path("data/raw/mine/img2height_mosaics")) == ["town_eo.vrt"]
    vrt = "data/raw/mine/img2height_mosaics/town_eo.vrt"
    with rasterio.open(vrt) as mosaic, rasterio.open(delivery / "town/eo.tif") as image:
        assert (mosaic.read() == image.read()).all()
        assert mosaic.transform == image.transform
        assert mosaic.descriptions == image.descriptions


def test_a_table_names_files_roles_and_groups(delivery: Path) -> None:
    rows = [f"{n},{role},g,town/eo.tif,town/dsm.tif,town/dtm.tif" for n, role in enumerate(("train", "val", "test"))]
    Path("t.csv").write_text("\n".join(["scene,role,group,eo,dsm,dtm", *rows]))
    done = called("folder", str(delivery), "--name", "mine", "--table", "t.csv")
    assert done.exit_code == 0, done.output
    roles = yaml.safe_load(Path("config/experiments/mine.yaml").read_text())["scenes"]["mine"]
    assert roles == {"0": "train", "1": "val", "2": "test"}
    assert parse_file(Dataset, Path("config/datasets/mine.yaml")).scenes["1"].group == "g"


def no_unit(root: Path) -> None:
    write(root / "town/dsm.tif", ramp())


def depth(root: Path) -> None:
    write(root / "town/dsm.tif", ramp(), crs="EPSG:32633+5715")


def no_system(root: Path) -> None:
    write(root / "town/dsm.tif", ramp(), crs=None, unit="metre")


def truncated(root: Path) -> None:
    content = (root / "town/dsm.tif").read_bytes()
    (root / "town/dsm.tif").write_bytes(content[:60])


def two_images(root: Path) -> None:
    write(root / "town/rgb.tif", np.ones((3, SIDE, SIDE), np.uint8))


def contradiction(root: Path) -> None:
    write(root / "town/dsm.tif", ramp(), crs="EPSG:32633+6360", unit="metre")


def taken(root: Path) -> None:
    Path("config/datasets").mkdir(parents=True)
    Path("config/datasets/mine.yaml").write_text("name: mine\n")


def no_image(root: Path) -> None:
    (root / "town/eo.tif").unlink()


def nothing(root: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("spoil", "flags", "words"),
    [
        (no_unit, [], "given/town/dsm.tif: layer dsm has no unit"),
        (no_unit, ["--declare", "dsm.unti=metre"], "'unti'; did you mean 'unit'"),
        (no_unit, ["--declare", "dms.unit=metre"], "the scenes have no layer 'dms'; did you mean 'dtm'"),
        (no_unit, ["--declare", "dsm.unit"], "--declare dsm.unit: has no ="),
        (no_system, [], "has no coordinate reference system"),
        (depth, [], "counts downwards"),
        (contradiction, [], "the unit of the band is metre, of its vertical system us_survey_foot"),
        (truncated, [], "cannot be read as a raster"),
        (two_images, [], "are both layer eo of scene town"),
        (no_image, [], "scene town: found dsm, dtm, building, but no image; a scene needs one of eo, sar, ms"),
        (taken, [], "mine.yaml: exists; choose another name (--name), or replace it (--replace)"),
        (nothing, ["--layer", "eo=*.png"], "contains no file of this layout: eo=*.png; found e.g. town/"),
        (nothing, ["--layer", "image=*.tif"], "there is no layer 'image'"),
        (nothing, ["--layer", "eo"], "--layer eo: has no ="),
        (nothing, ["--layer", "eo=*", "--table", "t.csv"], "give either --layer or --table"),
        (nothing, ["--table", "t.csv"], "t.csv: cannot be read as a CSV"),
    ],
)  # fmt: skip
def test_an_odd_delivery_gives_one_line_and_leaves_nothing(
    delivery: Path, spoil: Callable[[Path], None], flags: list[str], words: str
) -> None:
    spoil(delivery)
    before = files(Path.cwd())
    done = called("folder", str(delivery), "--name", "mine", *flags)
    assert done.exit_code == 2
    lines = [line for line in done.output.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and words in lines[0], done.output
    assert files(Path.cwd()) == before
    assert not Path("data").exists() or not any(Path("data/raw").iterdir())


def test_the_call_itself_may_be_wrong(delivery: Path) -> None:
    assert "there is no adapter 'foldr'; did you mean 'folder'" in called("foldr", str(delivery)).output
    assert "nowhere: is not a folder" in called("folder", "nowhere", "--name", "mine").output
    folder = ("folder", str(delivery), "--name", "mine")
    assert "eo.bands=[red: its value is not YAML" in called(*folder, "--declare", "eo.bands=[red").output
    assert "{1}/eo.tif: {1} is not a name" in called(*folder, "--layer", "eo={1}/eo.tif").output
    Path("t.csv").write_text(f"eo\n{delivery.resolve()}/town/eo.tif\n")
    assert "line 2: /" in (said := called(*folder, "--table", "t.csv").output)
    assert "write paths as seen from the folder" in said.replace("\n", " ")
    assert "--layer and --table belong to the adapter folder" in called("odm", "given", "--layer", "eo=*").output
    assert called().exit_code == 2


def test_a_second_delivery_of_the_same_name_is_refused(delivery: Path, tmp_path: Path) -> None:
    assert called("folder", str(delivery), "--name", "mine").exit_code == 0
    deliver(tmp_path / "other/town")
    done = called("folder", "other", "--name", "mine", "--replace")
    assert done.exit_code == 2 and "another delivery" in done.output


def test_all_adapters_are_listed() -> None:
    lines = called("--list").output.splitlines()
    assert any(line.startswith("geonrw") and "CC BY 4.0" in line for line in lines)
