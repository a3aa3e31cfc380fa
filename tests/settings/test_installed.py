"""Networks, adapters, recipes and datasets of another installed package are found without changing this one."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from img2height.cli.importing import load_adapter
from img2height.errors import SettingsError
from img2height.methods import build, layout_of, names, networks, recipes_folder
from img2height.settings import installed
from img2height.settings.dataset import Dataset
from img2height.settings.installed import adapter_modules, module_file, network_modules, settings_files
from img2height.settings.project import load_named, load_recipe

ROOT = Path(__file__).parents[2]
NETWORK = """
from torch import nn

from img2height.methods import Layout
from foreign_heights.blocks import Scaled

LAYOUT = Layout(channels_last=False, batch=3)

def build(bands, **options):
    return Scaled(bands["eo"])
"""
BLOCKS = """
from torch import nn

class Scaled(nn.Module):
    def __init__(self, bands):
        super().__init__()
        self.layer = nn.Conv2d(bands, 1, 1)

    def forward(self, inputs):
        return {"height": self.layer(inputs["eo"])}
"""
ENTRIES = """
[img2height.networks]
{network} = foreign_heights.nets.scaled

[img2height.adapters]
{adapter} = foreign_heights.survey

[img2height.recipes]
foreign = foreign_heights.recipes

[img2height.datasets]
foreign = foreign_heights.datasets
"""


def install(
    site: Path, network: str = "scaled", recipe: str = "scaled_heights", dataset: str = "hills", adapter: str = "survey"
) -> None:
    """Write a package with a network, an adapter, a recipe and a dataset as if it were installed."""
    package, record = site / "foreign_heights", site / "foreign_heights-1.2.dist-info"
    for folder in (record, package / "nets", package / "recipes", package / "datasets"):
        folder.mkdir(parents=True)
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign-heights\nVersion: 1.2\n")
    (record / "entry_points.txt").write_text(ENTRIES.format(network=network, adapter=adapter))
    (package / "__init__.py").write_text("")
    (package / "blocks.py").write_text(BLOCKS)
    (package / "survey.py").write_text("from img2height.adapters.odm import ADAPTER")
    (package / "nets" / "scaled.py").write_text(NETWORK)
    text = (ROOT / "config/methods/unet.yaml").read_text().replace("network: unet", f"network: {network}")
    text = "\n".join(line for line in text.splitlines() if not line.startswith("options"))
    (package / "recipes" / f"{recipe}.yaml").write_text(text)
    text = (ROOT / "config/datasets/land.yaml").read_text().replace("name: land", f"name: {dataset}")
    (package / "datasets" / f"{dataset}.yaml").write_text(text)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder where packages can be installed; they are removed afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    forget()
    yield tmp_path
    forget()
    for name in [name for name in sys.modules if name.startswith("foreign_heights")]:
        del sys.modules[name]


def forget() -> None:
    for cached in (network_modules, adapter_modules, installed._announced, installed._path_of):
        cached.cache_clear()


def test_a_method_of_another_package_is_a_method(site: Path) -> None:
    install(site)
    assert "scaled_heights" in names()
    assert "scaled" in networks()
    recipe = load_recipe(recipes_folder(), "scaled_heights", {"batch_size": 2})
    assert (recipe.network, recipe.batch_size) == ("scaled", 2)
    assert "foreign_heights" not in sys.modules  # listing imports nothing
    network = build("scaled_heights")
    assert network({"eo": torch.zeros(1, 3, 4, 4)})["height"].shape == (1, 1, 4, 4)
    assert layout_of("scaled").batch == 3


def test_an_adapter_of_another_package_is_an_adapter(site: Path) -> None:
    install(site)
    assert load_adapter("survey").title == load_adapter("odm").title


def test_a_dataset_of_another_package_is_a_dataset(site: Path) -> None:
    install(site)
    dataset = load_named(Dataset, ROOT / "config/datasets", "hills", "datasets")
    assert sorted(dataset.scenes) == ["ridges", "upland", "valley"]


def test_the_files_of_its_modules_are_found_without_importing_them(site: Path) -> None:
    install(site)
    package = site / "foreign_heights"
    assert module_file(network_modules()["scaled"]) == package / "nets" / "scaled.py"
    assert module_file("foreign_heights") == package / "__init__.py"
    assert "foreign_heights" not in sys.modules


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"network": "unet"}, r"network 'unet' is in img2height and in foreign-heights 1\.2; rename one"),
        ({"adapter": "odm"}, r"adapter 'odm' is in img2height and in foreign-heights 1\.2; rename one"),
        ({"recipe": "unet"}, r"recipe 'unet' is in .*config/methods and in foreign-heights 1\.2; rename one"),
        ({"dataset": "land"}, r"dataset 'land' is in .*config/datasets and in foreign-heights 1\.2; rename one"),
    ],
)
def test_a_duplicate_name_is_refused(site: Path, names: dict[str, str], message: str) -> None:
    install(site, **names)
    with pytest.raises(SettingsError, match=message) as caught:
        network_modules()
        adapter_modules()
        settings_files(recipes_folder(), "recipes")
        settings_files(ROOT / "config/datasets", "datasets")
    assert "\n" not in str(caught.value)


def test_a_broken_entry_point_is_one_line(site: Path) -> None:
    install(site)
    entries = site / "foreign_heights-1.2.dist-info/entry_points.txt"
    entries.write_text("[img2height.recipes]\nforeign = foreign_heights.missing\n")
    with pytest.raises(SettingsError, match=r"declares the folder foreign_heights\.missing, which does not exist"):
        names()
    forget()
    entries.write_text("[img2height.recipes]\nforeign = gone.recipes\n")
    with pytest.raises(SettingsError, match="there is no gone; install it again"):
        names()
