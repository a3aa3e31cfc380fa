"""The layers of the package: which module may import which, checked by reading the import statements."""

import ast
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

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
    ("adapters", "buildings", "conformal", "familiarity", "samples"),
    ("models", "scoring"),
    ("comparison", "inference", "training"),
    ("correction", "report", "view"),
    ("cli", "published", "studies"),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS, start=1) for room in rooms} | {"__init__": 0}


def room_of(path: Path) -> str:
    """Return the folder or the top-level file of the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Return all that a file imports, `from a import b` as a.b."""
    names = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += ["." * node.level + f"{node.module or ''}.{alias.name}" for alias in node.names]
    return tuple(names)


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def offenders(paths: Iterable[Path], found: Callable[[Path], Iterable[str]]) -> dict[str, list[str]]:
    """Return by file what was found in it, without the files in which nothing was."""
    return {str(path.relative_to(ROOT)): names for path in paths if (names := sorted(found(path)))}


def test_the_files_are_found():
    assert len(FILES) > 30
    assert len(SCRIPTS) > 10


def test_imports_are_absolute_and_named():
    relative = offenders(
        [*FILES, *SCRIPTS],
        lambda path: (name for name in imports(path) if name.startswith(".") or name.endswith("*")),
    )
    assert relative == {}


def unsafe_loads(path: Path) -> set[str]:
    calls = (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call))
    loads = {ast.unparse(call) for call in calls if ast.unparse(call.func) == "torch.load"}
    return {load for load in loads if "weights_only=True" not in load}


def test_nothing_is_pickled():
    picklers = {"pickle", "cloudpickle", "dill", "joblib", "shelve"}
    found = offenders([*FILES, *SCRIPTS], lambda path: (tops(path) & picklers) | unsafe_loads(path))
    # It reads the numbers of official ResDepth files, and refuses all else.
    assert found == {"src/img2height/models/plain_pickle.py": ["pickle"]}


def test_the_package_imports_no_workflow_tool():
    assert offenders(FILES, lambda path: tops(path) & {"snakemake", "dvc", "scripts"}) == {}
    assert [path for path in FILES if "wildcards" in path.read_text(encoding="utf-8")] == []


def test_scripts_do_not_import_each_other():
    others = {script.stem for script in SCRIPTS} | {"scripts", "snakemake", "dvc"}
    assert offenders(SCRIPTS, lambda path: tops(path) & others) == {}


def other_networks(path: Path) -> list[str]:
    others = [name for name in imports(path) if name.startswith("img2height.methods.")]
    return [name for name in others if not name.split(".")[2].startswith("_")]


def test_networks_import_no_rasterio_and_no_other_network():
    networks = list((PACKAGE / "methods").glob("[a-z]*.py"))
    assert offenders(networks, lambda path: tops(path) & {"rasterio"}) == {}
    assert offenders(networks, other_networks) == {}


def not_below(path: Path) -> set[str]:
    own = room_of(path)
    met = {name.split(".")[1] for name in imports(path) if name.startswith("img2height.")} - {own}
    return {room for room in met if FLOOR[room] >= FLOOR[own]}


def test_imports_lead_down():
    assert offenders(FILES, not_below) == {}


def test_every_package_has_a_floor():
    assert {room_of(path) for path in FILES} == FLOOR.keys()


TORCHLESS = [
    "vocabulary", "io", "settings", "tiles", "metrics", "buildings", "conformal", "familiarity", "samples", "scoring",
    "comparison", "correction", "view",
]  # fmt: skip
WITHOUT_TORCH = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
    if "torch" in sys.modules:
        sys.exit(name)
"""


def test_packages_without_torch():
    names = [f"img2height.{room}.{path.stem}" for room in TORCHLESS for path in (PACKAGE / room).glob("[a-z]*.py")]
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *names], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


HELP = """
import contextlib, io, json, runpy, sys
printed = {}
for path in sys.argv[1:]:
    sys.argv = [path, "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as shown, contextlib.suppress(SystemExit):
        runpy.run_path(path, run_name="__main__")
    printed[path] = [shown.getvalue(), [name for name in HEAVY if name in sys.modules]]
print(json.dumps(printed))
"""


def test_help_is_light():
    code = f"HEAVY = {HEAVY}\n{HELP}"
    done = subprocess.run([sys.executable, "-c", code, *map(str, SCRIPTS)], capture_output=True, text=True, check=True)
    for path, (shown, heavy) in json.loads(done.stdout).items():
        assert heavy == [], path
        assert (ast.get_docstring(parsed(Path(path))) or "no docstring").split("\n")[0] in shown


def test_the_settings_are_light():
    code = "import sys, img2height.settings.project, img2height.provenance.digest\n"
    code += f"print([n for n in {HEAVY} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_heavy_modules_are_installed():
    assert [name for name in HEAVY if importlib.util.find_spec(name) is None] == []
