"""Fixtures that several folders share: a small prepared scene of the synthetic city, made in memory once."""

import logging
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import pandas
import preloaded
import psutil
import pytest
from filelock import FileLock
from hypothesis import settings
from script_steps import Done, Steps, run
from workflow_events import clean_environment
from workflow_tree import Tree

import img2height.torchvision_ops  # noqa: F401  (before torchmetrics and lightning, which import torchvision)
from img2height.scenes.city import generate
from img2height.scenes.city import write as write_city
from img2height.scenes.city.optical import render
from img2height.scenes.city.sar import render_sar
from img2height.scenes.city.stereo import render_stereo
from img2height.scenes.land import generate as generate_land
from img2height.scenes.land.files import write_land
from img2height.scenes.land.optical import render as render_land
from img2height.scenes.prepare import prepare_scene
from img2height.scenes.scene import Scene
from img2height.settings.dataset import SceneFile, TargetGrid
from img2height.tiles.areas import tile_boxes

ROOT = Path(__file__).parents[1]
LONGEST = (  # test_reruns makes the finished run of `tree`, which the others of the first five files do not need
    "slurm/test_slurm.py", "test_reruns.py", "training/test_interruption.py", "training/test_learning.py",
    "test_docs.py", "provenance/test_programs.py", "test_faults.py", "test_dvc.py", "test_docs_on_results.py",
    "test_ask.py", "adapters/test_contract.py", "buildings/test_regions.py", "report/test_page.py", "test_delivered.py",
    "report/test_browser.py", "test_bad_input.py", "correction/test_apply.py", "test_workflow.py",
    "inference/test_strips.py",
)  # fmt: skip
settings.register_profile("untimed", deadline=None)  # a busy machine is not a failure
settings.load_profile("untimed")
# A shell starts what runs in the background with SIGINT ignored; programs that tests interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the slowest files, so that the workers of pytest-xdist end together."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.relative_to(ROOT / "tests").as_posix(), len(places)))


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_testnodedown(node: Any, error: object) -> None:
    """Report how a worker died, and whether the machine was short of memory then."""
    if error:
        status = node.gateway._io.popen.wait(10)  # the exit status is nowhere else
        free = psutil.virtual_memory().available >> 20
        print(f"\n{node.gateway.id}: exit status {status}; {free} MiB of memory available", flush=True)


@pytest.fixture(autouse=True)
def enabled_loggers() -> None:
    """Enable our loggers: a library that configures logging in another test may have disabled those that existed."""
    for name, logger in logging.root.manager.loggerDict.items():
        if name.startswith("img2height") and isinstance(logger, logging.Logger):
            logger.disabled = False


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Return a function that makes a folder once for all workers, which do not change it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def made(name: str, make: Callable[[Path], None]) -> Path:
        folder, finished = shared / name, shared / f"{name}.finished"
        with FileLock(shared / f"{name}.lock"):
            if not finished.exists():
                shutil.rmtree(folder, ignore_errors=True)  # an earlier attempt failed
                folder.mkdir()
                make(folder)
                finished.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def tree(once: Callable, steps: Steps, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Return a copy of the checkout in which the workflow has run on tiny districts; `steps` compiled its kernels."""
    run = once("run", lambda folder: Tree(folder).make("--cores", "2"))
    return Tree(run).copied(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="session")
def small(steps: Steps, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Return the same with one method, for tests that run the workflow several times; not to be changed."""
    made = Tree(tmp_path_factory.mktemp("small")).with_one_method()
    made.make("--cores", "2")
    return made


@pytest.fixture(scope="session")
def steps(once: Callable, tmp_path_factory: pytest.TempPathFactory) -> Steps:
    """Return the flags of all scripts, each of which was run once on the outputs of those before it."""

    def make(folder: Path) -> None:
        ours = os.pathsep.join(path for path in sys.path if Path(path).is_relative_to(ROOT))
        environment = clean_environment() | {"PYTHONPATH": ours}
        done = preloaded.run(["python", f"{ROOT}/tests/make_steps.py", str(folder)], ROOT, environment)
        assert done.returncode == 0, done.stdout[-6000:]

    return Steps(once("steps", make), written=tmp_path_factory.mktemp("settings"))


@pytest.fixture(scope="session")
def district(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Return a prepared scene of 256 x 256 px of the city as all sensors see it."""
    folder = tmp_path_factory.mktemp("scenes")
    file = SceneFile.model_validate({"city": {"size_px": 256, "seed": 3, "sar": {}, "stereo": {}}})
    city = generate(file.city)
    write_city(city, render(city), folder / "raw", sar=render_sar(city), stereo=render_stereo(city))
    return prepare_scene(
        file,
        dataset="demo",
        name="district",
        raw=folder / "raw",
        grid=TargetGrid(),
        folder=folder / "scene",
    )


@pytest.fixture(scope="session")
def landscape(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Return a prepared scene of 256 x 256 px of the landscape, with the names of the district."""
    folder = tmp_path_factory.mktemp("landscapes")
    file = SceneFile.model_validate({"land": {"size_px": 256, "seed": 1}})
    land = generate_land(file.land)
    write_land(land, render_land(land), folder / "raw")
    return prepare_scene(
        file, dataset="demo", name="district", raw=folder / "raw", grid=TargetGrid(),
        folder=folder / "scene",
    )  # fmt: skip


@pytest.fixture
def program(capsys: pytest.CaptureFixture) -> Callable[..., Done]:
    """Return a function that runs a script and returns how it ended."""

    def ended(script: str, flags: list, limit: int | None = None) -> Done:
        capsys.readouterr()
        status = run(script, flags, limit)
        return Done(status, capsys.readouterr().err)

    return ended


def grid_tiles(scene: Scene, size_px: int, part: str) -> pandas.DataFrame:
    """Return the tiles of a scene side by side, all in one part of fold 0."""
    corners = [
        (c, r)
        for r in range(0, scene.grid.height - size_px + 1, size_px)
        for c in range(0, scene.grid.width - size_px + 1, size_px)
    ]
    rows = [
        {"fold": 0, "part": part, "dataset": scene.dataset, "scene": scene.name, "col_off": c, "row_off": r,
         "size_px": size_px}
        for c, r in corners
    ]  # fmt: skip
    return pandas.DataFrame(rows)


def areas_of(tiles: pandas.DataFrame) -> geopandas.GeoDataFrame:
    """Return the areas that tiles cover, by fold, part and scene."""
    places = ["fold", "part", "dataset", "scene"]
    outlines = geopandas.GeoDataFrame(tiles[places], geometry=tile_boxes(tiles))
    return outlines.dissolve(places).reset_index()
