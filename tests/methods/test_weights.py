"""Pretrained weights from files: those that fit are loaded, others are one clear error; nothing is downloaded."""

from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from img2height.errors import SettingsError
from img2height.methods._weights import is_frozen, load_encoder_weights

SOURCE = "https://weights.example/encoder.pth"


def encoder(seed: int, channels: int = 2) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4))


def no_network() -> dict[str, Tensor]:
    raise URLError("no route to host")


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
    load_encoder_weights(ours, str(path), no_network, SOURCE)
    assert same(published, ours)


def test_imagenet_is_what_the_library_returns_and_none_changes_nothing() -> None:
    published, ours = encoder(1), encoder(2)
    load_encoder_weights(ours, "none", no_network, SOURCE)
    assert same(ours, encoder(2))
    load_encoder_weights(ours, "imagenet", published.state_dict, SOURCE)
    assert same(ours, published)


def test_without_a_network_the_error_names_the_remedy() -> None:
    with pytest.raises(SettingsError, match=r"encoder\.pth could not be downloaded .*no route.* set weights: <path"):
        load_encoder_weights(encoder(0), "imagenet", no_network, SOURCE)


def test_the_meta_device_needs_no_weights() -> None:
    with torch.device("meta"):
        load_encoder_weights(encoder(0), "imagenet", no_network, SOURCE)


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
        load_encoder_weights(encoder(0), str(tmp_path / "weights.pth"), no_network, SOURCE)


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth"])
def test_a_truncated_or_missing_file_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        load_encoder_weights(encoder(0), str(tmp_path / name), no_network, SOURCE)
    save_file(encoder(0).state_dict(), tmp_path / "whole")
    (tmp_path / name).write_bytes((tmp_path / "whole").read_bytes()[:100])
    with pytest.raises(SettingsError, match="truncated"):
        load_encoder_weights(encoder(0), str(tmp_path / name), no_network, SOURCE)


def test_auto_freezes_where_weights_were_given() -> None:
    assert not is_frozen("none", "auto")
    assert is_frozen("imagenet", "auto")
    assert is_frozen("none", True)
    assert not is_frozen("weights.pth", False)
    with pytest.raises(SettingsError, match="available: auto, true, false"):
        is_frozen("none", "yes")
