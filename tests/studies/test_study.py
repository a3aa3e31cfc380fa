"""Study files: the experiments that they stand for load as projects, and wrong ones are refused."""

from pathlib import Path

import pytest
import yaml

from img2height.errors import SettingsError
from img2height.settings.parsing import parse, read_yaml
from img2height.settings.project import load_named, load_project
from img2height.studies.study import Study, experiments

CONFIG = Path(__file__).parents[2] / "config"
STUDIES = sorted(path.stem for path in (CONFIG / "studies").glob("*.yaml"))
BASE = {
    "name": "base",
    "title": "Base",
    "scenes": {"demo": {"harbour": "train", "meadow": "val", "station": "test"}},
    "methods": ["im2height", "unet"],
    "params": {"split": {"buffer_m": 5.0, "n_folds": 3}},
    "recipes": {"im2height": {"batch_size": 4}, "unet": {"batch_size": 2}},
}
STUDY = {
    "name": "area",
    "title": "Area",
    "question": "area",
    "base": "base",
    "method": "unet",
    "changes": {"scenes": {"demo": {"mill": "split"}}, "params": {"split": {"n_folds": 4}}},
    "variants": {
        "little": {"label": "little"},
        "much": {"label": "much", "changes": {"params": {"split": {"n_folds": 5}}}},
    },
}


def study(**keys) -> Study:
    return parse(Study, STUDY | keys, "study")


@pytest.mark.parametrize("name", STUDIES)
def test_the_variants_of_every_study_load_as_projects(name, tmp_path):
    loaded = load_named(Study, CONFIG / "studies", name)
    found = experiments(loaded, read_yaml(CONFIG / f"experiments/{loaded.base}.yaml"))
    for content in found.values():
        (tmp_path / f"{content['name']}.yaml").write_text(yaml.safe_dump(content))
        project = load_project(
            content["name"], params=CONFIG.parent / "params.yaml", experiments=tmp_path,
            datasets=CONFIG / "datasets", methods=CONFIG / "methods",
        )  # fmt: skip
        assert list(project.recipes) == [loaded.method, "mean_height"]
    assert len({str(content["params"]) + str(content["scenes"]) for content in found.values()}) == len(found)


@pytest.mark.parametrize("name", [name for name in STUDIES if name.startswith("transfer")])
def test_the_variants_of_a_transfer_are_called_like_their_scenes(name):
    loaded = load_named(Study, CONFIG / "studies", name)
    for place, content in experiments(loaded, read_yaml(CONFIG / f"experiments/{loaded.base}.yaml")).items():
        roles = {scene: role for scenes in content["scenes"].values() for scene, role in scenes.items()}
        assert roles == {scene: "split" if scene == place else "test" for scene in loaded.variants}


def test_variants_change_the_base():
    little, much = experiments(study(), BASE).values()
    assert little["params"] == {"split": {"buffer_m": 5.0, "n_folds": 4}}
    assert much["params"] == {"split": {"buffer_m": 5.0, "n_folds": 5}}
    assert little["scenes"] == {"demo": {"mill": "split"}}  # in the place of the base's, not added to them
    assert little["recipes"] == {"unet": {"batch_size": 2}}
    assert little["methods"] == ["unet", "mean_height"]
    assert (little["name"], much["name"]) == ("area_little", "area_much")
    assert BASE["scenes"] == {"demo": {"harbour": "train", "meadow": "val", "station": "test"}}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"variant": {}}, "unknown key variant; .*did you mean 'variants'"),
        ({"question": "leak"}, "question"),
        ({"question": "leakage"}, "compares the variants random and blocked"),
        ({"variants": {"one": {"label": "one"}}}, "at least 2"),
    ],
)
def test_a_wrong_study_is_refused(keys, words):
    with pytest.raises(SettingsError, match=words):
        study(**keys)
