"""The layers of the package: which module may import which, checked by reading the import statements."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "img2height"
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))
FILES = sorted(PACKAGE.rglob("*.py"))
HEAVY = ("torch", "rasterio", "geopandas", "pandas", "matplotlib", "lightning", "scipy", "numpy", "numba")
# The floors of the package, from the lowest up. Imports lead down; packages of one floor do not import each other.
FLOORS = (
    ("colours", "cpu", "errors", "torchvision_ops", "vocabulary"),
    ("io", "picture", "settings"),
    ("heights", "methods", "scenes"),
    ("importing", "metrics", "provenance", "tiles"),
    ("adapters", "buildings", "samples"),
    ("models", "scoring"),
    ("comparison", "inference", "training"),
    ("report", "view"),
    ("cli", "published", "studies"),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS, start=1) for room in rooms} | {"__init__": 0}


def room_of(path: Path) -> str:
    """Return the folder or the top-level file of the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> list[str]:
    """Return all that a file imports, `from a import b` as a.b."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += ["." * node.level + f"{node.module or ''}.{alias.name}" for alias in node.names]
    return names


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_files_are_found():
    assert len(FILES) > 30
    assert len(SCRIPTS) > 10


@pytest.mark.parametrize("path", [*FILES, *SCRIPTS], ids=name_of)
def test_imports_are_absolute_and_named(path):
    assert [name for name in imports(path) if name.startswith(".") or name.endswith("*")] == []


@pytest.mark.parametrize("path", [*FILES, *SCRIPTS], ids=name_of)
def test_nothing_is_pickled(path):
    if path.name != "plain_pickle.py":  # reads the numbers of official ResDepth files, and refuses all else
        assert tops(path) & {"pickle", "cloudpickle", "dill", "joblib", "shelve"} == set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            assert "weights_only=True" in ast.unparse(node)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_package_imports_no_workflow_tool(path):
    assert tops(path) & {"snakemake", "dvc", "scripts"} == set()
    assert "wildcards" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_scripts_do_not_import_each_other(path):
    assert tops(path) & ({script.stem for script in SCRIPTS} | {"scripts", "snakemake", "dvc"}) == set()


@pytest.mark.parametrize("path", sorted((PACKAGE / "methods").glob("[a-z]*.py")), ids=name_of)
def test_networks_import_no_rasterio_and_no_other_network(path):
    assert "rasterio" not in tops(path)
    others = [name for name in imports(path) if name.startswith("img2height.methods.")]
    assert [name for name in others if not name.split(".")[2].startswith("_")] == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_lead_down(path):
    own = room_of(path)
    met = {name.split(".")[1] for name in imports(path) if name.startswith("img2height.")} - {own}
    assert {room for room in met if FLOOR[room] >= FLOOR[own]} == set()


def test_every_package_has_a_floor():
    assert {room_of(path) for path in FILES} == FLOOR.keys()


TORCHLESS = [
    "vocabulary", "io", "settings", "tiles", "metrics", "buildings", "samples", "scoring", "comparison", "view",
]  # fmt: skip


@pytest.mark.parametrize("room", TORCHLESS)
def test_packages_without_torch(room):
    names = [f"img2height.{room}.{path.stem}" for path in (PACKAGE / room).glob("[a-z]*.py")]
    code = f"import {', '.join(names)}, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_help_is_light(path):
    code = (
        "import runpy, sys\n"
        f"sys.argv = [{str(path)!r}, '--help']\n"
        f"try:\n    runpy.run_path({str(path)!r}, run_name='__main__')\n"
        f"except SystemExit: sys.stderr.write(' '.join(n for n in {HEAVY} if n in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).split("\n")[0] in done.stdout


def test_the_settings_are_light():
    code = "import sys, img2height.settings.project, img2height.provenance.digest\n"
    code += f"print([n for n in {HEAVY} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_heavy_modules_are_installed():
    assert [name for name in HEAVY if importlib.util.find_spec(name) is None] == []
