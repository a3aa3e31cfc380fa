"""Every command of README, CONTRIBUTING and docs is tried, see tried_commands.HOW; what they show and name exists."""

import re
import shutil

import documented
import pytest
import tried_commands
import yaml
from tried_commands import METHOD, printed
from workflow_tree import ROOT, Tree

from img2height.methods import names
from img2height.settings.dataset import Dataset
from img2height.settings.parsing import parse
from img2height.studies.study import Study

DELIVERED = ("rgb.tif", "dsm.tif", "dtm.tif", "ndsm.tif", "buildings.tif", "buildings.gpkg")  # of both real scenes


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Return a checkout after "Add a method" of CONTRIBUTING, with files in the places of delivered ones."""
    tree = Tree(tmp_path_factory.mktemp("checkout"))
    shutil.copyfile(ROOT / "config/config.yaml", tree.folder / "config/config.yaml")
    for path, text in documented.files("CONTRIBUTING.md").items():
        (tree.folder / path).write_text(text)
    for scene in ("woodford", "autzen"):
        (tree.folder / "data/raw" / scene).mkdir(parents=True, exist_ok=True)
        for name in DELIVERED:
            (tree.folder / "data/raw" / scene / name).touch()
    return tree


@pytest.mark.parametrize("command", tried_commands.commands(run=False))
def test_a_documented_command_works(command: str, checkout: Tree) -> None:
    tried_commands.attempt(command, checkout)


def test_a_method_is_two_files(checkout: Tree) -> None:
    assert sorted(documented.files("CONTRIBUTING.md")) == [
        f"config/methods/{METHOD}.yaml",
        f"src/img2height/methods/{METHOD}.py",
    ]
    listed = {line.partition(" ")[0] for line in printed(checkout, "img2height methods").splitlines()}
    assert {METHOD, *names()} <= listed
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
