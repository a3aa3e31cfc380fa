"""Digests of the real programs: each covers the code that its program runs, and no other code."""

import ast
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from script_steps import CHAIN, GENERATORS, SCRIPTS

from img2height.provenance.digest import code_parts
from img2height.provenance.modules import PACKAGE, Library
from img2height.provenance.reach import Graph

ROOT = SCRIPTS.parent
SOURCE = ROOT / "src" / PACKAGE
PROGRAMS = sorted(path.stem for path in SCRIPTS.glob("*.py"))
BY_NAME = dict.fromkeys(("train", "calibrate_intervals", "predict"), ("img2height.methods.unet",))


def parts_of(root: Path) -> dict[str, dict]:
    """Return the code that each program of a checkout may run."""
    graph = Graph(Library({PACKAGE: root / "src" / PACKAGE}))
    return {
        name: code_parts(str(root / f"scripts/{name}.py"), *BY_NAME.get(name, ()), graph=graph) for name in PROGRAMS
    }


@pytest.fixture(scope="module")
def parts() -> dict[str, dict]:
    """Return the code that each program may run."""
    return parts_of(ROOT)


@pytest.fixture
def touched(tmp_path: Path, parts: dict[str, dict]) -> Callable[..., set[str]]:
    """Return a function that returns the programs whose digests change with an edit of the package's files."""

    def compare(edit: Callable[[str], str], pattern: str) -> set[str]:
        shutil.copytree(SOURCE, tmp_path / "src" / PACKAGE)
        shutil.copytree(SCRIPTS, tmp_path / "scripts")
        files = sorted((tmp_path / "src" / PACKAGE).glob(pattern))
        texts = {file: file.read_text() for file in files}
        edited = {file: edit(text) for file, text in texts.items()}
        assert edited != texts
        for file, text in edited.items():
            file.write_text(text)
        now = parts_of(tmp_path)
        return {name for name in PROGRAMS if now[name] != parts[name]}

    return compare


def test_a_docstring_changes_no_digest(touched):
    assert touched(lambda text: text.replace('"""Base of every', '"""The base of every'), "errors.py") == set()


def test_docstrings_comments_and_layout_change_no_digest(touched):
    def without(text: str) -> str:
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
                node.body = node.body[1:] or [ast.Pass()]
        return ast.unparse(tree)

    assert touched(without, "**/*.py") == set()


def test_a_new_key_of_the_metrics_changes_no_digest(touched):
    """Its value is in the parameters of the programs that receive it."""
    key = "class Metrics(Settings):\n{}    new_key: float = 1.0\n"
    edit = re.compile(r'class Metrics\(Settings\):\n(    """.*?"""\n)', re.S)
    assert touched(lambda text: edit.sub(lambda found: key.format(found[1]), text), "settings/protocol.py") == set()


def test_a_new_score_changes_only_programs_that_score(touched):
    anchor = '    Score("mse_m2", '
    entry = '    Score("new_m", "new", "errors", lambda s: s.share(s.error_sum_m, s.pixels), "m"),\n'
    edited = touched(lambda text: text.replace(anchor, entry + anchor), "vocabulary/scores.py")
    assert edited == {"evaluate", "collect_metrics", "published_table", "published_figure", "report"}


def test_the_label_of_the_progress_bar_changes_only_predictions(touched):
    edited = touched(lambda text: text.replace('"Predicting"', '"Working"'), "inference/*.py")
    assert edited <= {"predict", "calibrate_intervals"}


def test_the_text_of_errors_changes_no_digest(touched):
    edit = re.compile(r'(raise DataError\(f?)"')
    assert touched(lambda text: edit.sub(r'\1"So: ', text), "**/*.py") == set()


@pytest.mark.parametrize(
    ("program", "rooms"),
    [
        (
            "merge_pairs",
            {"tiles", "training", "methods", "models", "metrics", "samples", "buildings", "scoring", "report"},
        ),
        ("train", {"inference", "buildings", "scoring", "report", "comparison"}),
        ("evaluate", {"training", "inference", "methods", "models", "report"}),
        ("make_city", {"training", "inference", "methods", "models", "metrics", "tiles", "report"}),
    ],
)
def test_programs_do_not_depend_on_packages_that_they_do_not_use(parts, program, rooms):
    entered = {module.split(".")[1] for module in parts[program] if module.startswith(f"{PACKAGE}.")}
    assert entered & rooms == set()


@pytest.mark.parametrize("program", [*GENERATORS, *CHAIN])
def test_the_digest_covers_all_code_that_a_program_runs(program, steps, parts):
    ran = json.loads(steps.record.read_text())[program]
    unnoticed = {module for module, name in ran if name not in parts[program].get(module, {})}
    assert len(ran) > 3
    assert {module for module in unnoticed if not module.startswith(f"{PACKAGE}.provenance.")} == set()
