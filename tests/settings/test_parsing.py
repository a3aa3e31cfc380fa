"""A mistake in a settings file is one line that names the file, the key and what was found; never a traceback."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from img2height.errors import SettingsError
from img2height.published.table import Figure, Table
from img2height.settings.dataset import Dataset
from img2height.settings.experiment import Experiment
from img2height.settings.parsing import merge, parse, read_yaml
from img2height.settings.protocol import Params
from img2height.settings.recipe import Recipe
from img2height.studies.study import Study

ROOT = Path(__file__).parents[2]
FILES: dict[type[BaseModel], str] = {
    Params: "params.yaml",
    Experiment: "config/experiments/demo.yaml",
    Recipe: "config/methods/cgan.yaml",
    Dataset: "config/datasets/woodford.yaml",
    Table: "config/tables/monodepth_table1.yaml",
    Figure: "config/figures/im2height_fig10.yaml",
    Study: "config/studies/area.yaml",
}
NAN, INF = float("nan"), float("inf")


def nested(key: str, value: Any) -> dict[str, Any]:
    """Return {"a": {"b": value}} for the key a.b."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def refused(model: type[BaseModel], changes: dict[str, Any]) -> str:
    with pytest.raises(SettingsError) as caught:
        parse(model, merge(read_yaml(ROOT / FILES[model]), changes), "file.yaml")
    said = str(caught.value)
    assert said.startswith("file.yaml: ")
    assert "\n" not in said
    assert len(said) < 400
    return said


@pytest.mark.parametrize(
    ("model", "key", "values"),
    [
        (Params, "tiling.tile_px", [0, -16, 100, 2**20, INF]),
        (Params, "tiling.stride_px", [0, -1, 2**20]),
        (Params, "tiling.min_valid_share", [-0.1, 1.1, NAN]),
        (Params, "split.n_folds", [2, -3, 10**6]),
        (Params, "split.buffer_m", [-1.0, INF, NAN, 1e6]),
        (Params, "split.block_m", [0.0, 0.001, INF, NAN, 1e6]),
        (Params, "split.seed", [-1, 2**32]),
        (Params, "split.parts.train", [[[0.5, 0.5]], [[0.6, 0.5]], [[0.0, 1.5]], [[NAN, 1.0]], [[0.5]]]),
        (Params, "training.samples", [0, -1, 10**12, INF]),
        (Params, "training.threads", [0, 10**6]),
        (Params, "inference.window_px", [0, 1_600_000_000, 100]),
        (Params, "inference.overlap", [-0.1, 0.51, NAN]),
        (Params, "inference.batch_size", [0, 10**6]),
        (Params, "buildings.min_height_m", [NAN, INF, -1.0, 1e4]),
        (Params, "buildings.ndvi_max", [NAN, -1.5, 2.0]),
        (Params, "buildings.vari_max", [NAN, INF]),
        (Params, "buildings.min_area_m2", [NAN, INF, -1.0]),
        (Params, "buildings.simplify_m", [NAN, INF, -1.0, 1e4]),
        (Params, "metrics.ratio_min_height_m", [0.0, NAN, INF]),
        (Params, "metrics.ssim_range_m", [0.0, NAN, INF]),
        (Params, "metrics.instance_iou", [0.0, 1.5, NAN]),
        (Params, "metrics.tile_px", [0, -64, 2**20]),
        (Experiment, "seeds", [[-1], [2**32], [0, 0], [], ["one"], [0.5]]),
        (Experiment, "folds", [[-1], [0, 0]]),
        (Experiment, "methods", [["unet", "unet"], [], ["U-Net"], ["u" * 300]]),
        (Recipe, "optimizer.lr", [0.0, -1.0, NAN, INF, 1000.0]),
        (Recipe, "optimizer.gradient_clip", [0.0, -1.0, NAN]),
        (Recipe, "optimizer.options.betas", [[0.9, 1.5], [1.0, 0.9], [-0.1, 0.9], [NAN, 0.9], [0.9], 0.9]),
        (Recipe, "optimizer.options.eps", [0.0, -1e-8, 10.0, NAN, INF]),
        (Recipe, "optimizer.options.weight_decay", [-1e-4, 100.0, NAN, "none"]),
        (Recipe, "optimizer.options.momentum", [-0.1, 1.0, 1.5, NAN]),
        (Recipe, "optimizer.options.momentum_decay", [-0.1, 2.0, NAN]),
        (Recipe, "optimizer.options.dampening", [-0.1, 1.5, NAN]),
        (Recipe, "optimizer.options.amsgrad", [2, 0.5, "never"]),
        (Recipe, "optimizer.options", [{"nesterov": True}, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}]),
        (Recipe, "discriminator.optimizer.options.betas", [[0.9, 1.5]]),
        (Recipe, "schedule.warmup", [-0.1, 1.5, NAN]),
        (Recipe, "schedule.step", [0.0, -0.1, 1.5, NAN]),
        (Recipe, "schedule.gamma", [0.0, -0.1, 2.0, NAN]),
        (Recipe, "schedule.power", [0.0, -0.9, 1000.0, NAN]),
        (Recipe, "loss", [[{"name": "l1", "weight": NAN}], [{"name": "l1", "weight": -1}]]),
        (Recipe, "options", [{"dropout": NAN}, {"dropout": INF}]),
        (Recipe, "batch_size", [0, 10**6]),
        (Recipe, "tile_multiple", [0, -16, 10**6]),
        (Recipe, "inputs", [{"ms": ["red", "red"]}, {"thermal": ["band"]}]),
        (Recipe, "outputs", [[], ["height", "height"]]),
        (Recipe, "sampling.offline", [0, 10**12]),
        (Dataset, "grid.gsd_m", [0.0, 0.0001, INF, NAN, 1e5]),
        (Dataset, "scenes", [[], {"a b": {}}, {1: {}}, {"north": None}, [1]]),
        (Dataset, "scenes.north.layers.eo.nodata", [NAN, INF]),
        (Dataset, "scenes.north.layers.eo.shift_m", [[NAN, 0], [1e6, 0], [0]]),
        (Dataset, "scenes.north.layers.eo.bands", [["red", "red", "blue"]]),
        (Dataset, "scenes.made", [{"city": {"seed": -1}}, {"city": {"seed": 1, "preset": "x"}}, {"city": 3}, {}]),
        (Table, "rows", [[{"label": "a", "method": "unet", "printed": [NAN]}]]),
        (Figure, "scores", [["ssim", "ssim"], []]),
        (Study, "variants", [{"only": {"label": "a"}, "quarter": None}]),
    ],
)
def test_invalid_values_are_refused_in_one_line_that_names_the_key(model, key, values):
    for value in values:
        assert key in refused(model, nested(key, value)).replace("[key]", key)


@pytest.mark.parametrize(
    ("model", "changes", "said"),
    [
        (Params, {"traning": {}}, "unknown key traning; 'traning'; did you mean 'training'?"),
        (Params, nested("inference.window", 8), "unknown key inference.window; 'window'; did you mean 'window_px'?"),
        (Recipe, {"loss": [{"nam": "l1"}]}, "key loss.0.name is missing; unknown key loss.0.nam; 'nam'; did you mean"),
        (Recipe, nested("optimizer.rl", 1e-3), "unknown key optimizer.rl; 'rl'; did you mean 'lr'?"),
        (Recipe, nested("optimizer.options.beta", [0.9, 0.99]), "options.beta; 'beta'; did you mean 'betas'?"),
        (Recipe, nested("optimizer.options.betas", [0.9, 1.5]),
         "optimizer.options.betas.1: Input should be less than 1, found 1.5 (nadam, adam, adamw: shares of "),
        (Recipe, nested("optimizer.options.momentum", 0.9), "optimizer: adam has no option momentum; available: beta"),
        (Recipe, nested("discriminator.optimizer.name", "sgd"), "discriminator.optimizer: sgd has no option betas"),
        (Recipe, nested("schedule.gama", 0.5), "unknown key schedule.gama; 'gama'; did you mean 'gamma'?"),
        (Dataset, nested("scenes.made.city", {"seed": 1, "presett": "towers"}), "'presett'; did you mean 'preset'?"),
        (Params, nested("inference.window_px", 1_600_000_000),
         "window_px: Input should be less than or equal to 8192, found 1600000000 (side of a prediction window;"),
        (Experiment, {"seeds": [0, 0]}, "seeds: 0 is listed twice; list each once, found [0, 0]"),
        (Experiment, {"title": ["x" * 1000]}, "title: Input should be a valid string, found ['xxx"),
    ],
)  # fmt: skip
def test_the_line_suggests_the_valid_key(model, changes, said):
    assert said in refused(model, changes)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name: d\nscenes: {a: 1, b: 2}\nname: e\n", "key 'name' is given twice"),
        (b"scenes:\n  north: {}\n  south: {}\n  north: {}\n", "key 'north' is given twice"),
        ("title: Zürich\n".encode("latin-1"), r"is not text in UTF-8 \(byte 9\); save it as UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00", "is not text in UTF-8"),
        (b"a: \x00", "is not valid YAML: unacceptable character"),
        (b"a: [1, 2", "is not valid YAML"),
        (b"a: 2024-02-30", "is not valid YAML: day is out of range"),
        (b"[" * 5000, "is not valid YAML"),
        (b"- a\n", "must be a mapping of keys, found list"),
        (b"", "must be a mapping of keys, found NoneType"),
        (b"a: !!python/object/apply:os.system [ls]", "is not valid YAML: could not determine a constructor"),
    ],
)
def test_a_file_that_is_not_a_mapping_in_yaml_is_refused_in_one_line(tmp_path, content, said):
    (tmp_path / "file.yaml").write_bytes(content)
    with pytest.raises(SettingsError, match=said) as caught:
        read_yaml(tmp_path / "file.yaml")
    assert str(caught.value).startswith(f"{tmp_path}/file.yaml: ")
    assert "\n" not in str(caught.value)


def test_a_folder_and_a_missing_file_are_named(tmp_path):
    for path, said in ((tmp_path, "cannot be read: Is a directory"), (tmp_path / "no.yaml", "does not exist")):
        with pytest.raises(SettingsError, match=said):
            read_yaml(path)


def test_merged_keys_may_be_overridden_and_a_byte_order_mark_is_accepted(tmp_path):
    (tmp_path / "file.yaml").write_text(
        "\ufeffa: &a {x: 1, y: {z: 2}}\nb: {<<: *a, x: 2}\nc: {<<: *a, x: 3}\n", encoding="utf-8"
    )
    assert read_yaml(tmp_path / "file.yaml")["b"] == {"x": 2, "y": {"z": 2}}


@pytest.mark.parametrize("folder", ["experiments", "datasets", "methods", "tables", "figures", "studies"])
def test_every_file_of_the_project_is_read(folder):
    model = next(model for model, file in FILES.items() if file.split("/")[1:2] == [folder])
    files = [*(ROOT / "config" / folder).glob("*.yaml"), *(ROOT / "config/test" / folder).glob("*.yaml")]
    assert files
    for file in files:
        parse(model, yaml.safe_load(file.read_text()), file.name)
        assert read_yaml(file) == yaml.safe_load(file.read_text())
