"""Files like those that the authors' ResDepth code writes become model folders; anything else is refused."""

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from resdepth_files import official

from img2height.cli.verify import verify
from img2height.errors import Img2HeightError, ModelError
from img2height.models.folder import load_model
from img2height.models.official import import_resdepth


class Attack:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize(
    ("channels", "method", "views"),
    [
        ("geom", "resdepth_0", []),
        ("geom-mono", "resdepth_mono", ["first"]),
        ("geom-stereo", "resdepth_stereo", ["first", "second"]),
    ],
)
def test_an_official_training_becomes_a_model_folder(
    tmp_path: Path, channels: str, method: str, views: list[str]
) -> None:
    files = official(tmp_path, channels)
    files.run(tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    expected = files.network.state_dict()
    assert list(loaded.network.state_dict()) == list(expected)
    assert all(torch.equal(value, expected[name]) for name, value in loaded.network.state_dict().items())
    assert (loaded.card.method, loaded.card.gsd_m, loaded.recipe.tile_multiple) == (method, 0.25, 4)
    assert loaded.card.dtypes == dict.fromkeys(loaded.recipe.inputs)
    assert loaded.recipe.inputs.get("views", []) == views
    assert (loaded.normalisation.mode, loaded.normalisation.scale_m) == ("patch_centred", 4.5)
    assert loaded.normalisation.image.get("views", {}) == dict.fromkeys(views, (312.5, 87.25))
    assert verify(tmp_path / "model") == []


def test_an_images_only_network_measures_heights_from_the_surface_model(
    tmp_path: Path,
) -> None:
    files = official(tmp_path, "stereo", outer_skip=False)
    files.run(tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    views, files.network = torch.randn(1, 2, 8, 8), files.network.eval()
    with torch.inference_mode():
        ours = loaded.network({"dsm_initial": torch.randn(1, 1, 8, 8), "views": views})["height"]
        assert torch.equal(ours, files.network({"views": views})["height"])


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    files = official(tmp_path)
    for name in ("one", "two"):
        files.run(tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


@pytest.mark.parametrize("protocol", range(3, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("number", [1.1, np.float64(1.1), np.float32(1.1), 3])
def test_numbers_of_numpy_and_python_are_read_exactly(tmp_path: Path, number: float, protocol: int) -> None:
    files = official(tmp_path)
    files.normalization[0].write_bytes(pickle.dumps({"mean": None, "std": number}, protocol))
    files.run(tmp_path / "model")
    assert load_model(tmp_path / "model").normalisation.scale_m == float(number)


def test_nothing_in_a_normalisation_file_is_executed(tmp_path: Path) -> None:
    files = official(tmp_path)
    files.normalization[0].write_bytes(pickle.dumps({"mean": None, "std": Attack(tmp_path / "owned")}))
    with pytest.raises(ModelError, match=r"asks for \w+\.system"):
        files.run(tmp_path / "model")
    assert not (tmp_path / "owned").exists()
    assert not (tmp_path / "model").exists()
    pickle.loads(files.normalization[0].read_bytes())  # the attack would have worked
    assert (tmp_path / "owned").exists()


def test_nothing_in_a_checkpoint_is_executed(tmp_path: Path) -> None:
    files = official(tmp_path)
    torch.save({"model_state_dict": {}, "epoch": Attack(tmp_path / "owned")}, files.checkpoint)
    with pytest.raises(ModelError, match=r"not a checkpoint of plain tensors: it asks for \w+\.system; none"):
        files.run(tmp_path / "model")
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"mean": None, "std": np.zeros(2)}, "asks for numpy"),
        ({"mean": None, "std": np.int64(3)}, "not a pickle of plain numbers"),
        ({"mean": None, "std": 0.0}, "std a number above 0"),
        ({"mean": None, "std": float("nan")}, "std a number above 0"),
        ({"mean": None, "std": True}, "std a number above 0"),
        ({"mean": None, "std": np.dtype("f8")}, "std a number above 0"),
        ({"mean": "none", "std": 1.0}, "mean must be a number or None"),
        ({"mean": 3.0, "std": 1.0}, "give the file of the DSM first"),
        ({"mean": None}, "with mean and std"),
        ([1.0, 2.0], "with mean and std"),
    ],
)
def test_an_invalid_normalisation_of_a_surface_model_is_refused(tmp_path: Path, value: object, problem: str) -> None:
    files = official(tmp_path)
    files.normalization[0].write_bytes(pickle.dumps(value))
    with pytest.raises(ModelError, match=problem):
        files.run(tmp_path / "model")


@pytest.mark.parametrize("content", [b"", b"\x80\x04", b"mean,std\n", b"cnumpy\ndtype\n(S'O8'\ntR.", b"\x80\x04)R."])
def test_a_file_that_is_not_a_pickle_is_refused(tmp_path: Path, content: bytes) -> None:
    files = official(tmp_path)
    files.normalization[1].write_bytes(content)
    with pytest.raises(ModelError, match=r"Image_normalization_parameters\.p: not a pickle of plain numbers"):
        files.run(tmp_path / "model")


def test_images_have_a_mean_and_as_many_files_as_are_needed(tmp_path: Path) -> None:
    files = official(tmp_path)
    dsm, image = files.normalization
    for given, problem in (
        ([dsm, dsm], "give the file of the images second"),
        ([dsm], "one of the DSM and one of the images"),
        ([dsm, image, image], "3 normalisation files"),
        ([dsm, tmp_path / "none.p"], "this file does not exist"),
    ):
        files.normalization = given
        with pytest.raises(ModelError, match=problem):
            files.run(tmp_path / "model")
    geometric = official(tmp_path, "geom")
    geometric.normalization = [dsm, image]
    with pytest.raises(ModelError, match="only that of the DSM"):
        geometric.run(tmp_path / "model")


@pytest.mark.parametrize(
    ("channels", "settings", "problem"),
    [
        ("geom-multiview", {}, "input_channels.*found 'geom-multiview'"),
        ("geom-stereo", {"up_mode": "nearest"}, "settings.up_mode.*found 'nearest'"),
        ("geom-stereo", {"attention": True}, "unknown key settings.attention"),
        ("geom-stereo", {"n_input_channels": 4}, "n_input_channels is 4"),
        ("geom-stereo", {"start_kernel": 8}, "does not fit model_config.json"),
        ("geom-stereo", {"do_BN": False}, "does not fit model_config.json"),
    ],
)
def test_an_invalid_configuration_or_one_of_another_training_is_refused(
    tmp_path: Path, channels: str, settings: dict, problem: str
) -> None:
    files = official(tmp_path, channels, **settings)
    with pytest.raises(Img2HeightError, match=problem):
        files.run(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_files_in_another_order_and_other_checkpoints_are_refused(tmp_path: Path) -> None:
    files = official(tmp_path)
    files.checkpoint, files.config = files.config, files.checkpoint
    with pytest.raises(ModelError, match="in this order"):
        files.run(tmp_path / "model")
    files.config = files.checkpoint
    with pytest.raises(ModelError, match="it is truncated, or a file of another kind"):
        files.run(tmp_path / "model")
    for content in (OrderedDict(a=torch.zeros(1)), {"model_state_dict": {"a": 1}}, torch.zeros(3)):
        torch.save(content, tmp_path / "other.pth")
        files.checkpoint = tmp_path / "other.pth"
        with pytest.raises(ModelError, match="has no model_state_dict"):
            files.run(tmp_path / "model")
    files.checkpoint = tmp_path / "none.pth"
    with pytest.raises(ModelError, match="does not exist"):
        files.run(tmp_path / "model")


@pytest.mark.parametrize("gsd_m", [0.0, -1.0, float("nan")])
def test_the_pixel_size_must_be_positive(tmp_path: Path, gsd_m: float) -> None:
    files = official(tmp_path)
    with pytest.raises(Img2HeightError, match="give the pixel size"):
        import_resdepth(files.checkpoint, files.config, files.normalization, tmp_path / "model", gsd_m=gsd_m)
