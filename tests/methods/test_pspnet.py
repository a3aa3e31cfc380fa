"""PSPNet: dilated encoder, pyramid, and auxiliary heads that are only used in training."""

import pytest
import torch
from torch import Tensor, nn

from img2height.methods import build

INPUTS = {"eo": torch.randn(2, 4, 32, 32), "sar": torch.randn(2, 4, 32, 32)}


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return build("pspnet", encoder="resnet18", width=32)


def reached(network: nn.Module, output: Tensor) -> set[str]:
    """Return which parts of the network an output depends on."""
    network.zero_grad()
    output.sum().backward()
    parts = {key: p.grad for key, p in network.named_parameters()}
    return {".".join(key.split(".")[:3]) for key, grad in parts.items() if grad is not None and grad.any()}


def test_the_pyramid_uses_features_at_an_eighth(network: nn.Module) -> None:
    stages = network.trunk.encoder(torch.zeros(1, 8, 64, 64))[-3:]
    assert [tuple(stage.shape[-2:]) for stage in stages] == [(8, 8)] * 3
    dilations = [getattr(network.trunk.encoder, stage)[1].conv2.dilation for stage in ("layer2", "layer3", "layer4")]
    assert dilations == [(1, 1), (2, 2), (4, 4)]
    assert [block.pool_size for block in network.trunk.decoder.psp.blocks] == [1, 2, 3, 6]


def test_auxiliary_heads_are_active_only_in_training(network: nn.Module) -> None:
    assert set(network.eval()(INPUTS)) == {"footprint", "height"}
    outputs = network.train()(INPUTS)
    assert set(outputs) == {"footprint", "height", "aux_footprint", "aux_height"}
    assert outputs["aux_height"].shape == outputs["height"].shape
    assert outputs["aux_footprint"].shape == outputs["footprint"].shape


def test_auxiliary_heads_use_the_third_stage(network: nn.Module) -> None:
    auxiliary = reached(network, network.train()(INPUTS)["aux_footprint"])
    main = reached(network, network.train()(INPUTS)["footprint"])
    assert "trunk.encoder.layer3" in auxiliary & main
    assert {part for part in auxiliary if "auxiliary" in part} != set()
    assert not {"trunk.encoder.layer4", "trunk.decoder.psp"} & auxiliary
    assert {"trunk.encoder.layer4", "trunk.decoder.psp"} <= main
    assert {part for part in main if "auxiliary" in part} == set()
