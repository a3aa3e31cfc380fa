"""The commands of README, CONTRIBUTING and docs that show or use results are run on those of the tiny experiment."""

import shutil
from pathlib import Path

import laspy
import pytest
import tried_commands
from resdepth_files import official
from workflow_tree import Tree

from img2height.inference.points import write_points

OWN_FILES = {
    "ortho.tif": "eo", "raw.tif": "dsm_initial", "left.tif": "view_1", "right.tif": "view_2", "height.tif": "ndsm",
}  # fmt: skip


@pytest.fixture(scope="module")
def finished(tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Return a copy of the finished tiny run, with rasters, polygons and ResDepth files named as in the docs."""
    copy = tree.copied(tmp_path_factory.mktemp("finished"))
    for name, layer in OWN_FILES.items():
        shutil.copyfile(copy.folder / f"data/scenes/tiny/south/{layer}.tif", copy.folder / name)
    shutil.copyfile(copy.folder / "results/tiny/unet/oof/seed0/south/buildings.gpkg", copy.folder / "houses.gpkg")
    (copy.folder / "tiles").mkdir()
    shutil.copyfile(copy.folder / "ortho.tif", copy.folder / "tiles/a.tif")
    write_lidar(copy.folder / "data/scenes/tiny/south", copy.folder / "lidar")
    files = official(copy.folder)
    for file, name in zip(files.normalization, ("dsm_normalization.p", "image_normalization.p"), strict=True):
        file.rename(copy.folder / name)
    return copy


def write_lidar(scene: Path, folder: Path) -> None:
    """Write surface and terrain of a scene as point clouds, the terrain classified as ground."""
    for name, number in (("dsm", 1), ("dtm", 2)):
        write_points(scene / f"{name}.tif", path := folder / f"{name}.laz")
        cloud = laspy.read(path)
        cloud.classification[:] = number
        cloud.write(path)


@pytest.mark.parametrize("command", tried_commands.commands(run=True))
def test_a_documented_command_works(command: str, finished: Tree) -> None:
    tried_commands.attempt(command, finished)
