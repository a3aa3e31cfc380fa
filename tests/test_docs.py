"""Every command of README, CONTRIBUTING and docs is tried: run on tiny districts, planned, or checked with its help."""

import re
import shlex
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import documented
import laspy
import pytest
import yaml
from resdepth_files import official
from workflow_events import clean_environment
from workflow_tree import ROOT, Tree

from img2height.inference.points import write_points
from img2height.settings.dataset import Dataset
from img2height.settings.parsing import parse
from img2height.studies.study import Study

METHOD = "plainnet"  # the example of CONTRIBUTING
PLACEHOLDERS = {"<experiment>": "demo", "<dataset>": "demo", "<name>": "demo"}
OWN_FILES = {
    "ortho.tif": "eo", "raw.tif": "dsm_initial", "left.tif": "view_1", "right.tif": "view_2", "height.tif": "ndsm",
}  # fmt: skip
DELIVERED = ("rgb.tif", "dsm.tif", "dtm.tif", "ndsm.tif", "buildings.tif", "buildings.gpkg")  # of the scene of Woodford


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


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Return a checkout after "Add a method" of CONTRIBUTING, with files in the places of delivered ones."""
    tree = Tree(tmp_path_factory.mktemp("checkout"))
    shutil.copyfile(ROOT / "config/config.yaml", tree.folder / "config/config.yaml")
    for path, text in documented.files("CONTRIBUTING.md").items():
        (tree.folder / path).write_text(text)
    delivered = tree.folder / "data/raw/woodford"
    delivered.mkdir(parents=True, exist_ok=True)
    for name in DELIVERED:
        (delivered / name).touch()
    return tree


@cache
def planned(tree: Tree, command: str) -> None:
    """Plan a run of Snakemake once, for any machine."""
    said(tree, command.replace("snakemake", "snakemake -n --quiet rules --cores 1", 1))


def said(tree: Tree, command: str) -> str:
    """Return the output of a command that runs the package of a tree; it has to succeed."""
    environment = clean_environment() | {"PYTHONPATH": str(tree.folder / "src"), "COLUMNS": "200"}
    words = shlex.split(command) if command.startswith("snakemake ") else ("bash", "-c", command)
    done = tree.run(*words, environment=environment)
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}"
    return done.stdout


@cache
def printed(tree: Tree, command: str) -> str:
    """Return the output of a command that changes nothing, run once."""
    return said(tree, command)


def small(command: str, checkout: Tree, finished: Tree) -> None:
    """Run a command on the results of the tiny experiment."""
    small = re.sub(r"\bdemo\b", "tiny", command).replace("tiny/omniheight_eo", "tiny/unet")  # a method that tiny trains
    for out in re.findall(r"--(?:out|buildings) (\S+)", small if " predict " in small else ""):
        (finished.folder / out).unlink(missing_ok=True)
    said(finished, small)


def here(command: str, checkout: Tree, finished: Tree) -> None:
    """Run a command as it is."""
    printed(checkout, command)


def plan(command: str, checkout: Tree, finished: Tree) -> None:
    """Plan a run that takes long, without running it."""
    if command.startswith("python studies/"):
        said(checkout, f"{command} -n")
    else:
        planned(checkout, re.sub(r" (-n|--cores \d+|--resources gpu=\d+)\b", "", command))


def made(command: str, checkout: Tree, finished: Tree) -> None:
    """Plan the files that a command shows, of an experiment that takes long."""
    paths = shlex.split(command)[1:]
    experiment = paths[0].split("/")[1]
    said(checkout, f"snakemake -n --quiet rules --cores 1 --config experiment={experiment} -- {shlex.join(paths)}")


def dry(command: str, checkout: Tree, finished: Tree) -> None:
    """Have make list what it would do."""
    said(checkout, command.replace("make", "make --dry-run", 1))


def helped(command: str, checkout: Tree, finished: Tree) -> None:
    """Check the flags of a command that takes long, or needs files that are not here, against its help."""
    words = [word for word in shlex.split(command.partition(" -- ")[0]) if "=" not in word]
    flags = [word for word in words if word.startswith("--")]
    program = words[: next((n for n, word in enumerate(words) if word.startswith("-")), len(words))]
    while program and re.search(r"^\d+$", program[-1]):
        program.pop()
    text = printed(checkout, shlex.join([*program, "--help"]))
    assert [flag for flag in flags if flag not in text] == []


def collected(command: str, checkout: Tree, finished: Tree) -> None:
    """Collect tests that take long."""
    said(checkout, f"{command} --collect-only --quiet")


def elsewhere(command: str, checkout: Tree, finished: Tree) -> None:
    """Leave a command to the test that runs it: tests/test_wheel.py, and for a study tests/studies/."""


HOW: dict[str, Callable[[str, Tree, Tree], None]] = {  # the first that matches
    r"img2height import-dataset (?!--list)": helped,
    r"img2height (calibrate\b|predict .*(data/raw/|/omniheight/))": helped,
    r"img2height (export |verify (results/|unet_demo)|(predict|import-resdepth|verify|export)$)": helped,
    r"img2height methods": here,
    r"(img2height|head|bash) |cat results/demo/": small,
    r"cat results/studies/|pip install ": elsewhere,
    r"cat results/": made,
    r"snakemake .*(--report|--conda-create-envs-only|profiles/gridengine)": helped,
    r"snakemake|python studies/": plan,
    r"make ": dry,
    rf"pytest .*-k {METHOD}": here,
    r"pytest ": collected,
    r"(python benchmarks/|dvc|rio|SNAKEMAKE_PROFILE=\S+ dvc)": helped,
}


def how(command: str) -> Callable[[str, Tree, Tree], None]:
    found = [kind for pattern, kind in HOW.items() if re.match(pattern, command)]
    assert found, f"{command!r} is in no class of HOW: say how it is tried"
    return found[0]


@pytest.mark.parametrize("command", documented.commands())
def test_a_documented_command_works(command: str, checkout: Tree, request: pytest.FixtureRequest) -> None:
    kind = how(command)
    for placeholder, name in PLACEHOLDERS.items():
        command = command.replace(placeholder, name)
    kind(command, checkout, request.getfixturevalue("finished") if kind is small else checkout)


def test_a_method_is_two_files(checkout: Tree) -> None:
    assert sorted(documented.files("CONTRIBUTING.md")) == [
        f"config/methods/{METHOD}.yaml",
        f"src/img2height/methods/{METHOD}.py",
    ]
    assert METHOD in printed(checkout, "img2height methods")
    target = f"models/methods/{METHOD}/fold0/seed0/card.json"
    jobs = checkout.planned("--configfile", "config/test/config.yaml", "--config", "experiment=methods", "--", target)
    assert jobs["train"] == 1


@pytest.mark.parametrize(
    ("page", "start", "model"), [("own-data", "scenes:", Dataset), ("studies", "variants:", Study)]
)
def test_a_documented_file_is_accepted(page: str, start: str, model: type) -> None:
    texts = [
        block.text for block in documented.blocks() if block.page == f"docs/{page}.md" and block.language == "yaml"
    ]
    whole = [value for text in texts if "name" in (value := yaml.safe_load(text)) and start in text]
    assert len(whole) == 1
    parse(model, whole[0], page)


def test_pages_name_only_files_that_exist() -> None:
    missing = []
    for page in documented.PAGES:
        links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        missing += [f"{page.name}: {link}" for link in links if not (page.parent / link).exists()]
    assert missing == []
