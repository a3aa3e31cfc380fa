"""A code digest changes with everything that may change a result, and with nothing else: on a small package."""

from collections.abc import Callable
from pathlib import Path

import pytest

from img2height.provenance.digest import code_digest, code_parts
from img2height.provenance.modules import Library
from img2height.provenance.reach import Graph

FILES = dict(part.split("\n", 1) for part in Path(__file__).with_name("package.txt").read_text().split("=== ")[1:])
WORK, SCRIPT = FILES["img2height/work.py"], FILES["script.py"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of the script and the package."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def changed(folder: Path) -> Callable[..., bool]:
    """Return a function that returns whether an edit changes the digest; an empty `old` appends."""

    def compare(name: str, old: str, new: str, *modules: str) -> bool:
        before = digest_of(folder, *modules)
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1) if old else text + new)
        return digest_of(folder, *modules) != before

    return compare


def graph_of(folder: Path) -> Graph:
    return Graph(Library({"img2height": folder / "img2height"}))


def digest_of(folder: Path, *modules: str) -> str:
    return code_digest(str(folder / "script.py"), *modules, graph=graph_of(folder))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param("script.py", "work(3)", "work(4)", id="script"),
        pytest.param("img2height/work.py", "np.square(value)", "np.sqrt(value)", id="function"),
        pytest.param("img2height/work.py", "import numpy as np", "import cupy as np", id="what-a-name-stands-for"),
        pytest.param("img2height/work.py", "import registers", "import enlists", id="library-that-registers"),
        pytest.param("img2height/work.py", "LIMIT, OTHER = 3, 4", "LIMIT, OTHER = 2, 4", id="constant-in-a-default"),
        pytest.param("img2height/work.py", "factor: int = LIMIT", "factor: int = OTHER", id="default"),
        pytest.param("img2height/work.py", "return helper(factor) +", "return helper(factor) -", id="method"),
        pytest.param("img2height/work.py", "frozen=True", "frozen=False", id="decorator-of-a-class"),
        pytest.param("img2height/work.py", "@cache\n", "", id="decorator-of-a-function"),
        pytest.param("img2height/work.py", "size: int = 1", "size: float = 1", id="field-of-a-dataclass"),
        pytest.param("img2height/work.py", "Worker(Base)", "Worker", id="base"),
        pytest.param("img2height/work.py", "{factor} is over", "{self} is over", id="value-in-an-error"),
        pytest.param("img2height/work.py", "raise DataError", "raise ValueError", id="kind-of-an-error"),
        pytest.param("img2height/work.py", "STATE = 0", "STATE = 1", id="global-that-another-function-sets"),
        pytest.param("img2height/work.py", "STATE = value", "STATE = 0", id="function-that-sets-a-global"),
        pytest.param("img2height/work.py", "img2height.by_string", "img2height.late", id="string-that-names-a-module"),
        pytest.param("img2height/work.py", "", '\nos.environ["A"] = "1"\n', id="what-a-loaded-module-does"),
        pytest.param("img2height/work.py", "", "\nSEEN = register(unused)\n", id="call-that-may-register"),
        pytest.param("img2height/__init__.py", '"1"', '"2"', id="what-a-package-does"),
        pytest.param("img2height/tools.py", "return 1", "return 2", id="inherited-method"),
        pytest.param("img2height/meta.py", "factor = 2", "factor = 3", id="metaclass"),
        pytest.param("img2height/deep.py", "scale * a + b", "scale * a - b", id="import-in-a-function"),
        pytest.param("img2height/deep.py", "scale=1.5", "scale=1.6", id="keyword-default"),
        pytest.param("img2height/effects.py", "return 1", "return 2", id="registered-by-a-decorator"),
        pytest.param("img2height/effects.py", "REGISTRY.append(function)", "pass", id="decorator-that-registers"),
        pytest.param("img2height/effects.py", "SPEED = 7", "SPEED = 8", id="attribute-set-in-another-module"),
        pytest.param("img2height/kernels/loops.py", "return n", "return n + 1", id="kernel"),
        pytest.param("img2height/kernels/loops.py", "nogil=True", "fastmath=True", id="options-of-a-kernel"),
        pytest.param("img2height/kernels/__init__.py", ".loops import", ".other import o as", id="what-is-passed-on"),
        pytest.param("img2height/lazy.py", "img2height.late", "img2height.slow", id="table-of-what-is-found-late"),
        pytest.param("img2height/late.py", "found = 1", "found = 2", id="found-late"),
        pytest.param("img2height/by_string.py", "VALUE = 1", "VALUE = 2", id="named-in-a-string"),
        pytest.param("img2height/offer.py", "return 1", "return 2", id="asked-for-by-a-string"),
        pytest.param("img2height/offer.py", "ImportError", "AttributeError", id="which-import-is-taken"),
        pytest.param("img2height/slow.py", "return 1", "return 2", id="imported-with-a-star"),
        pytest.param("img2height/settings/protocol.py", "* self.FACTOR", "+ self.FACTOR", id="property-of-settings"),
        pytest.param("img2height/settings/protocol.py", '"metre"', '"foot"', id="default-that-a-program-fills-in"),
        pytest.param("img2height/settings/protocol.py", "[int] = 2", "[int] = 3", id="constant-of-settings"),
        pytest.param("img2height/settings/protocol.py", "Annotated[int", "Annotated[float", id="type-of-a-read-key"),
    ],
)
def test_what_can_change_a_result_changes_the_digest(changed, name, old, new):
    assert changed(name, old, new)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param("img2height/work.py", '"""Works."""', '"""Toils."""', id="docstring-of-a-module"),
        pytest.param("img2height/errors.py", '"""Bad data."""', '"""Data that is bad."""', id="docstring-of-a-class"),
        pytest.param("img2height/work.py", "Return the work.", "Work.", id="docstring-of-a-method"),
        pytest.param(
            "img2height/work.py", "LIMIT, OTHER = 3, 4", "# most\nLIMIT, OTHER = (3,  4)", id="comment-and-layout"
        ),
        pytest.param("img2height/work.py", "too much:", "too many:", id="words-of-an-error"),
        pytest.param("img2height/work.py", "working on", "at work on", id="words-of-a-log-line"),
        pytest.param("img2height/work.py", "factor: int = LIMIT) -> int", "factor: float = LIMIT)", id="annotation"),
        pytest.param("img2height/work.py", "np.cbrt", "np.sqrt", id="function-that-is-not-run"),
        pytest.param("img2height/work.py", "UNUSED = 5", "UNUSED: int = 6", id="constant-that-is-not-read"),
        pytest.param(
            "img2height/work.py", "    from img2height.unused import Thing", "    import numpy", id="for-checkers"
        ),
        pytest.param("img2height/work.py", "import os\n", "import os\nfrom shutil import copy\n", id="new-import"),
        pytest.param("img2height/tools.py", "return value\n", "return 0\n", id="neighbour-of-what-is-run"),
        pytest.param("img2height/unused.py", "pass", "a = 1", id="module-for-checkers"),
        pytest.param("img2height/kernels/other.py", "return 0", "return 1", id="loaded-and-not-run"),
        pytest.param("img2height/settings/protocol.py", "how many", "number", id="description-of-a-key"),
        pytest.param("img2height/settings/protocol.py", "MOST = 9", "MOST = 8", id="limit-of-a-key"),
        pytest.param("img2height/settings/protocol.py", "Field(3,", "Field(5,", id="default-of-a-key"),
        pytest.param(
            "img2height/settings/protocol.py", "epochs: int = 4", "epochs: float = 4", id="key-that-is-not-read"
        ),
        pytest.param("img2height/settings/protocol.py", "int = 4\n", "int = 4\n    rate: float = 1\n", id="new-key"),
        pytest.param(
            "img2height/settings/protocol.py", "        return self\n", "        pass\n", id="check-of-settings"
        ),
        pytest.param("img2height/settings/protocol.py", "iou: float = 0.5", "iou: int = 1", id="another-section"),
        pytest.param("img2height/report/templates/page.html", "<p>", "<b>", id="template-of-another-program"),
        pytest.param("img2height/methods/net.py", "pass", "a = 1", id="another-network"),
    ],
)
def test_nothing_else_changes_it(changed, name, old, new):
    assert not changed(name, old, new)


@pytest.mark.parametrize(
    ("name", "old", "new", "module"),
    [
        ("img2height/methods/net.py", "pass", "a = 1", "img2height.methods.net"),
        ("img2height/methods/_blocks.py", "depth = 3", "depth = 4", "img2height.methods.net"),
        ("img2height/report/templates/page.html", "<p>", "<b>", "img2height.report.page"),
    ],
)
def test_modules_loaded_by_name_are_named(changed, name, old, new, module):
    assert changed(name, old, new, module)


def test_a_network_of_an_installed_package_is_followed(folder, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "foreign_nets").mkdir()
    files = {"__init__.py": "", "net.py": "from .blocks import Block\n", "blocks.py": "class Block:\n    depth = 3\n"}
    for name, text in files.items():
        (tmp_path / "foreign_nets" / name).write_text(text)
    before = digest_of(folder, "foreign_nets.net")
    (tmp_path / "foreign_nets/blocks.py").write_text("class Block:\n    depth = 4\n")
    assert digest_of(folder, "foreign_nets.net") != before != digest_of(folder)


def test_a_package_that_imports_its_own_modules_is_followed(folder, tmp_path, monkeypatch):
    """Looked up by its whole name, such a module is found in the package again."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "round_nets").mkdir()
    files = {
        "__init__.py": "from . import net\nfrom .version import version\n",
        "net.py": "from . import blocks, version\nfrom .blocks import DEPTH\n",
        "version.py": "version = '1'\n",
    }
    for name, text in (files | {"blocks.py": "from . import net\nDEPTH = 3\n"}).items():
        (tmp_path / "round_nets" / name).write_text(text)
    before = digest_of(folder, "round_nets.net")
    (tmp_path / "round_nets/blocks.py").write_text("from . import net\nDEPTH = 4\n")
    assert digest_of(folder, "round_nets.net") != before


def test_backup_files_of_editors_do_not_count(folder):
    before = digest_of(folder, "img2height.report.page")
    for left in ("report/templates/.page.html.swp", "report/templates/page.html~", "work.py~", ".#work.py"):
        (folder / "img2height" / left).write_text("by an editor")
    assert digest_of(folder, "img2height.report.page") == before


@pytest.mark.parametrize("finds", ["globals()['unused']()", "eval('unused()')", "Base.__subclasses__()"])
def test_if_code_is_found_without_its_name_all_loaded_modules_count(folder, finds):
    (folder / "script.py").write_text(SCRIPT.replace("main()\n", f"{finds}\n"))
    before = digest_of(folder)
    (folder / "img2height/work.py").write_text(WORK.replace("np.cbrt", "np.sqrt"))
    assert digest_of(folder) != before


def test_the_text_of_errors_counts_if_one_is_caught_and_read(folder):
    caught = "try:\n    main()\nexcept DataError as error:\n    print(error)\n"
    (folder / "script.py").write_text(
        SCRIPT.replace("import argparse", "from img2height.errors import DataError") + caught
    )
    before = digest_of(folder)
    (folder / "img2height/work.py").write_text(WORK.replace("too much", "too many"))
    assert digest_of(folder) != before


def test_the_parts_name_what_changed(folder):
    before = code_parts(str(folder / "script.py"), graph=graph_of(folder))
    (folder / "img2height/work.py").write_text(WORK.replace("np.square", "np.sqrt"))
    after = code_parts(str(folder / "script.py"), graph=graph_of(folder))
    assert [module for module in before if before[module] != after[module]] == ["img2height.work"]
    parts = before["img2height.work"], after["img2height.work"]
    assert [name for name in parts[0] if parts[0][name] != parts[1][name]] == ["helper"]
    assert "unused" not in parts[0]


def test_a_missing_module_is_an_error(folder):
    with pytest.raises(ModuleNotFoundError, match=r"img2height\.methods\.nett"):
        digest_of(folder, "img2height.methods.nett")
