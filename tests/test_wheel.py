"""The installed package: a wheel in its own environment, where nothing of the checkout is read."""

import importlib.metadata
import json
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from model_cases import card_of
from packaging.requirements import Requirement
from rasterio.crs import CRS
from typer.testing import CliRunner
from workflow_tree import Tree

from img2height.cli.app import app
from img2height.io.grid import Grid
from img2height.io.rasters import Band, write_cog
from img2height.methods import build_network, names, recipes_folder
from img2height.models.folder import save_model
from img2height.samples.normalise import Normalisation
from img2height.settings.project import load_recipe

ROOT = Path(__file__).parents[1]
SIDE = 96
# Installed in the environment as guard.py: neither a file of the checkout nor a module of an extra may be loaded.
GUARD = """
import sys

def refuse(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith({root!r}):
        if not arguments[0].startswith({libraries!r}):
            raise RuntimeError("reads " + arguments[0])
    if event == "import" and arguments[0].split(".")[0] in {left_out!r}:
        raise ModuleNotFoundError(arguments[0] + " belongs to an extra")

sys.addaudithook(refuse)
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Return the standard output of a command, which has to succeed."""
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built from the unpacked source distribution, where there is no git."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, cwd=ROOT)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as source:
        source.extractall(folder, filter="data")
    unpacked = folder / archive.name.removesuffix(".tar.gz")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=unpacked)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment with the wheel; libraries are those of the tests, so that torch is not installed twice."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin/python"]
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    own = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    libraries = sysconfig.get_path("purelib")
    guard = GUARD.format(root=f"{ROOT}/", libraries=f"{libraries}/", left_out=left_out())
    (own / "guard.py").write_text(guard)
    # A plain path: .pth files in it are not followed, and one of them leads to the checkout.
    (own / "libraries.pth").write_text(f"{libraries}\nimport guard\n")
    return folder


def left_out() -> set[str]:
    """Return the modules that only an extra or a test needs."""
    declared = [Requirement(text) for text in importlib.metadata.requires("img2height") or []]
    extras = {needed.name for needed in declared if needed.marker}
    extras -= {"jinja2", "pillow"}  # torch and torchvision need them too
    modules = importlib.metadata.packages_distributions()
    return {name for name, owners in modules.items() if {owner.lower() for owner in owners} <= extras | {"pytest"}}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return the folder of a small model."""
    recipe = load_recipe(recipes_folder(), "unet")
    network = build_network("unet", {"eo": 3}, recipe.options)
    statistics = dict.fromkeys(["red", "green", "blue"], (100.0, 10.0))
    card = card_of(recipe, Normalisation({"eo": statistics}, "minmax", 0.0, 20.0), tile_px=64)
    save_model(tmp_path / "model", network, network.state_dict(), card)
    return tmp_path / "model"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    grid = Grid(CRS.from_epsg(32633), Affine(0.5, 0, 500_000, 0, -0.5, 5_800_000), SIDE, SIDE)
    values = np.random.default_rng(0).integers(0, 255, (3, SIDE, SIDE), np.uint8)
    bands = [Band("red"), Band("green"), Band("blue")]
    write_cog(tmp_path / "image.tif", values, grid, bands, valid=np.ones(grid.shape, bool))
    return tmp_path / "image.tif"


def predict(model: Path, image: Path, folder: Path) -> list[str]:
    folder.mkdir()
    return [
        "predict", "--model", str(model), "--image", str(image), "--out", str(folder / "height.tif"),
        "--buildings", str(folder / "houses.parquet"),
    ]  # fmt: skip


def test_the_installed_command_predicts_what_the_checkout_predicts(
    environment: Path, model: Path, image: Path, tmp_path: Path
) -> None:
    run(environment / "bin/img2height", *predict(model, image, tmp_path / "wheel"), cwd=tmp_path)
    result = CliRunner().invoke(app, predict(model, image, tmp_path / "checkout"))
    assert result.exit_code == 0, result.output
    for name in ("height.tif", "houses.parquet"):
        assert (tmp_path / "wheel" / name).read_bytes() == (tmp_path / "checkout" / name).read_bytes()


def test_the_installed_command_writes_a_map(environment: Path, model: Path, image: Path, tmp_path: Path) -> None:
    given = predict(model, image, tmp_path / "wheel")
    run(environment / "bin/img2height", *given, cwd=tmp_path)
    shown = ["view", tmp_path / "wheel/height.tif", "--image", image, "--out", tmp_path / "map"]
    run(environment / "bin/img2height", *shown, cwd=tmp_path)
    for name in ("index.html", "assets/app.js", "vendor/maplibre-gl.js", "vendor/LICENSE.txt", "data/manifest.js"):
        assert (tmp_path / "map" / name).is_file()


def test_the_installed_command_hands_a_model_on(environment: Path, model: Path, tmp_path: Path) -> None:
    run(environment / "bin/img2height", "export", model, "--folder", tmp_path / "out", cwd=tmp_path)
    assert "as recorded" in run(environment / "bin/img2height", "verify", tmp_path / "out", cwd=tmp_path)


def test_recipes_and_protocol_are_in_the_wheel(environment: Path, tmp_path: Path) -> None:
    code = """
import json, img2height
from img2height.inference.defaults import protocol
from img2height.methods import names, recipes_folder
print(json.dumps([img2height.__file__, str(recipes_folder()), names(), protocol().model_dump(mode="json")]))
"""
    module, folder, listed, protocol = json.loads(run(environment / "bin/python", "-c", code, cwd=tmp_path))
    assert Path(module).is_relative_to(environment)
    assert Path(folder).is_relative_to(environment)
    assert listed == names()
    assert protocol["tiling"]["tile_px"] == 256
    assert (Path(module).parent / "py.typed").is_file()


def test_the_guard_works(environment: Path, tmp_path: Path) -> None:
    for code in (f"open({str(ROOT / 'params.yaml')!r})", "import lightning"):
        done = subprocess.run([environment / "bin/python", "-c", code], cwd=tmp_path, capture_output=True, text=True)
        assert "reads" in done.stderr or "belongs to an extra" in done.stderr


def test_a_copy_without_git_has_a_version(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    assert run(sys.executable, "-m", "hatchling", "version", cwd=tree.folder).strip() == "0.1.0.dev0"


def test_an_archive_has_the_version_of_its_tag(tmp_path: Path) -> None:
    tree, unpacked = Tree(tmp_path / "tree"), tmp_path / "unpacked"
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@example.org"]
    run(*git, "init", "--quiet", cwd=tree.folder)
    run(*git, "add", "--all", cwd=tree.folder)
    run(*git, "commit", "--quiet", "--no-verify", "--message", "all", cwd=tree.folder)
    for tag, version in ((None, "0.0"), ("v1.2.3", "1.2.3")):  # before the first tag, and with one
        if tag:
            run(*git, "tag", tag, cwd=tree.folder)
        unpacked.mkdir(exist_ok=True)
        run(*git, "archive", "--output", tmp_path / "all.tar", "HEAD", cwd=tree.folder)
        with tarfile.open(tmp_path / "all.tar") as archive:
            archive.extractall(unpacked, filter="data")
        assert run(sys.executable, "-m", "hatchling", "version", cwd=unpacked).strip() == version


@pytest.mark.slow
def test_an_empty_environment_needs_no_extra(wheel: Path, model: Path, image: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", tmp_path / "empty", cwd=tmp_path)
    pip = [tmp_path / "empty/bin/python", "-m", "pip", "install", "--quiet"]
    pins = ["--constraint", constraints(tmp_path)]
    run(*pip, "--requirement", ROOT / "requirements/torch.txt", cwd=tmp_path)
    run(*pip, *pins, wheel, cwd=tmp_path)
    run(tmp_path / "empty/bin/img2height", *predict(model, image, tmp_path / "wheel"), cwd=tmp_path)
    assert (tmp_path / "wheel/height.tif").is_file()


def constraints(folder: Path) -> Path:
    """Return the pins of the lock without their hashes, because pip requires all or none."""
    lines = (ROOT / "requirements/lock.txt").read_text().splitlines()
    path = folder / "constraints.txt"
    path.write_text("\n".join(line.removesuffix(" \\") for line in lines if line[:1].isalnum()))
    return path
