"""Pretrained weights from files: those that fit are loaded, others are one clear error; nothing is downloaded."""

import hashlib
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from img2height.errors import SettingsError
from img2height.io.origins import PretrainedEncoder
from img2height.methods import _weights, build_network, pretrained_from
from img2height.methods._weights import PACKAGED, is_frozen, load_encoder_weights, origin_of

NAME = "mobilenet_v2"  # torchvision publishes its weights


def encoder(seed: int, channels: int = 2) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4))


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_a_file_fills_the_encoder_and_its_classifier_is_ignored(suffix: str, tmp_path: Path) -> None:
    published, ours = encoder(1), encoder(2)
    found = {**published.state_dict(), "classifier.weight": torch.ones(3)}
    del found["1.num_batches_tracked"]  # as in older files
    path = tmp_path / f"weights.{suffix}"
    (save_file if suffix == "safetensors" else torch.save)(found, path)
    assert not same(published, ours)
    load_encoder_weights(ours, NAME, str(path))
    assert same(published, ours)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert origin_of(NAME, str(path)) == PretrainedEncoder(encoder=NAME, source=str(path), sha256=digest, licence=None)


def test_none_changes_nothing_and_has_no_origin() -> None:
    ours = encoder(2)
    load_encoder_weights(ours, NAME, "none")
    assert same(ours, encoder(2))
    assert pretrained_from("unet", {"encoder": NAME}) is None
    assert pretrained_from("constant", {}) is None


def test_weights_in_no_package_are_an_error_that_names_their_file() -> None:
    with pytest.raises(
        SettingsError, match=r"nothing is downloaded; set weights: <path of a file>, e\.g\. https://.*v2-b0"
    ):
        load_encoder_weights(encoder(0), NAME, "imagenet")
    with pytest.raises(SettingsError, match=r"no package contains those of vgg16_bn"):
        build_network("segnet", {"eo": 3}, {"weights": "imagenet"})


def test_the_meta_device_needs_no_weights() -> None:
    with torch.device("meta"):
        load_encoder_weights(encoder(0), NAME, "imagenet")


def test_a_package_that_is_missing_or_of_other_content_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    name = next(iter(PACKAGED))

    def missing(package: str) -> None:
        raise PackageNotFoundError(package)

    with (
        monkeypatch.context() as patch,
        pytest.raises(SettingsError, match=r"is not installed; install img2height\[train"),
    ):
        patch.setattr(_weights, "distribution", missing)
        origin_of(name, "imagenet")
    other = _weights.Packaged(PACKAGED[name].package, PACKAGED[name].file, "0" * 64, "Apache-2.0")
    monkeypatch.setitem(PACKAGED, name, other)
    with pytest.raises(
        SettingsError, match=r"lite0-57934424\.pth is missing or not the file with the SHA-256 digest 000"
    ):
        origin_of(name, "imagenet")


class Trap:
    """Would run code when it is unpickled."""

    def __reduce__(self) -> tuple:
        return (pytest.fail, ("code of the file was run",))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (Trap(), "nothing in it was executed"),
        ([torch.ones(1)], "contains no state_dict"),
        ({"epoch": 3, "model": {}}, "contains no state_dict"),
        ({"0.weight": torch.ones(4, 2, 3, 3)}, r"0\.bias is missing"),
        (encoder(0, channels=3).state_dict(), r"\[4, 3, 3, 3\], the network \[4, 2, 3, 3\].* same number of bands"),
    ],
)
def test_a_wrong_torch_file_is_an_error(content: object, problem: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(SettingsError, match=problem):
        load_encoder_weights(encoder(0), NAME, str(tmp_path / "weights.pth"))


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth"])
def test_a_truncated_or_missing_file_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        load_encoder_weights(encoder(0), NAME, str(tmp_path / name))
    save_file(encoder(0).state_dict(), tmp_path / "whole")
    (tmp_path / name).write_bytes((tmp_path / "whole").read_bytes()[:100])
    with pytest.raises(SettingsError, match="truncated"):
        load_encoder_weights(encoder(0), NAME, str(tmp_path / name))


def test_auto_freezes_where_weights_were_given() -> None:
    assert not is_frozen("none", "auto")
    assert is_frozen("imagenet", "auto")
    assert is_frozen("none", True)
    assert not is_frozen("weights.pth", False)
    with pytest.raises(SettingsError, match="available: auto, true, false"):
        is_frozen("none", "yes")


def test_torchvision_is_not_imported_with_the_methods() -> None:
    code = "import sys, img2height.methods; sys.exit('torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
