"""What made a file and whether it is still what was made: digests of code, versions, and a check of folders."""

import ast
import hashlib
import importlib.metadata
import platform
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from img2height.errors import DataError

PACKAGE = "img2height"
ROOT = Path(__file__).parent
LIBRARIES = ("torch", "lightning", "numpy", "numba", "rasterio", "geopandas", "shapely")


@cache
def code_digest(script: str | Path, *modules: str) -> str:
    """Return a digest of a script and of all modules of the package that it imports, directly or not.

    Comments and layout do not count. A module loaded by name at run time has to be named. Templates (HTML)
    count with the modules of the folder above theirs; what editors leave there does not.

    Args:
        script: the script.
        modules: more modules of the package, e.g. `img2height.methods.unet`.
    """
    names = {name for root in [*_imports(Path(script)), *modules] for name in _with_parents(root)}
    todo = sorted(names)
    while todo:
        new = {name for module in _imports(_source(todo.pop())) for name in _with_parents(module)} - names
        names |= new
        todo += sorted(new)
    digest = hashlib.sha256(_meaning(Path(script)).encode())
    for name in sorted(names):
        digest.update(f"\0{name}\0{_meaning(_source(name))}".encode())
    for folder in sorted({_source(name).parent for name in names}):
        for path in sorted((folder / "templates").glob("[!.]*.html")):
            digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache
def _meaning(path: Path) -> str:
    return ast.dump(_tree(path))


@cache
def _imports(path: Path) -> frozenset[str]:
    """Return the modules of the package that a file imports anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(name for name in names if name.split(".")[0] == PACKAGE and _source(name).is_file())


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[: end + 1]) for end in range(len(parts)))


def _source(name: str) -> Path:
    path = ROOT.joinpath(*name.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that a result may depend on."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in LIBRARIES}


def verify(path: str | Path) -> list[str]:
    """Return what is wrong with a model folder or a scene folder, one sentence each; empty when all is as it was made.

    Args:
        path: a folder with card.json (a model) or scene.json (a scene).

    Raises:
        DataError: there is neither.
    """
    folder = Path(path)
    if (folder / "card.json").is_file():
        return _model_problems(folder)
    if (folder / "scene.json").is_file():
        return _altered(_scene_files(folder))
    raise DataError(f"{folder}: has neither card.json nor scene.json; give the folder of a model or of a scene")


def _model_problems(folder: Path) -> list[str]:
    from img2height.io.tables import read_sealed

    try:
        card = read_sealed(folder / "card.json")
    except DataError as error:
        return [str(error)]
    return _altered({folder / "model.safetensors": card["weights_sha256"]})


def _scene_files(folder: Path) -> dict[Path, str]:
    from img2height.scenes.scene import Scene

    scene = Scene.load(folder / "scene.json")
    return {scene.folder / layer.file: layer.sha256 for layer in scene.layers.values()}


def _altered(expected: dict[Path, str]) -> list[str]:
    return [problem for file, digest in expected.items() if (problem := _check(file, digest))]


def _check(file: Path, expected: str) -> str | None:
    from img2height.io.atomic import file_digest

    if not file.is_file():
        return f"{file} is missing"
    found = file_digest(file)
    return None if found == expected else f"{file} was altered: its SHA-256 is {found}, it was made with {expected}"
