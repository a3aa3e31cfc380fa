"""Pretrained encoders with more than three bands; nothing is downloaded, the tests write the files."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models import resnet18
from torchvision.models.vgg import VGG, cfgs, make_layers

from img2height.errors import SettingsError
from img2height.methods import build_network

RESNETS = ["deeplabv3plus", "upernet", "pspnet", "duc_hdc"]


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Tensor]]:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
    weights = resnet18().state_dict()
    save_file(weights, path)
    return path, weights


@pytest.mark.parametrize("network", RESNETS)
def test_a_resnet_keeps_its_weights_and_repeats_those_of_its_bands(network: str, resnet: tuple) -> None:
    path, weights = resnet
    trunk = build_network(network, {"eo": 4, "sar": 4}, {"encoder": "resnet18", "weights": str(path)}).trunk
    encoder = trunk.encoder.state_dict()
    first = encoder.pop("conv1.weight")
    assert all(torch.equal(value, weights[name]) for name, value in encoder.items())
    assert torch.allclose(first, weights["conv1.weight"][:, [0, 1, 2, 0, 1, 2, 0, 1]] * 3 / 8)


def test_vgg_keeps_its_weights_and_repeats_those_of_its_bands(tmp_path: Path) -> None:
    narrow = [item if item == "M" else item // 16 for item in cfgs["D"]]
    vgg = {f"features.{name}": value for name, value in make_layers(narrow, batch_norm=True).state_dict().items()}
    torch.save(vgg, tmp_path / "vgg.pt")
    network = build_network("segnet", {"eo": 4}, {"width": 4, "weights": str(tmp_path / "vgg.pt")})
    encoder = network.trunk.encoder.state_dict()
    first = encoder.pop("0.weight")
    assert all(torch.equal(value, vgg[f"features.{name}"]) for name, value in encoder.items())
    assert torch.allclose(first, vgg["features.0.weight"][:, [0, 1, 2, 0]] * 3 / 4)


def test_names_are_those_of_torchvision() -> None:
    with torch.device("meta"):
        published = VGG(make_layers(cfgs["D"], batch_norm=True)).state_dict()
        encoder = build_network("segnet", {"eo": 3}, {}).trunk.encoder.state_dict()
    expected = {name: value.shape for name, value in published.items() if name.startswith("features")}
    assert {f"features.{name}": value.shape for name, value in encoder.items()} == expected


@pytest.mark.parametrize("network", [*RESNETS, "segnet"])
def test_a_missing_file_is_an_error_with_the_remedy(network: str) -> None:
    with pytest.raises(SettingsError, match="give its path, imagenet or none"):
        build_network(network, {"eo": 4}, {"weights": "nowhere.pt"})


def test_xception_accepts_no_weights() -> None:
    with pytest.raises(SettingsError, match="set weights: none, or use a ResNet"):
        build_network("deeplabv3plus", {"eo": 4}, {"encoder": "tu-xception41", "weights": "imagenet"})
