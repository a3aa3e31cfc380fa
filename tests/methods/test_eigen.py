"""Eigen-Net against its count, and its arithmetic by hand."""

import pytest
import torch
from torch import nn

from img2height.errors import SettingsError
from img2height.methods import build, build_network

SIZE_PX = 64


def small(**options: float) -> nn.Module:
    return build_network("eigen", {"eo": 3}, {"size_px": SIZE_PX, **options})


def height(network: nn.Module, image: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return network({"eo": image})["height"]


@pytest.mark.parametrize("name", ["eigen", "eigen_silog"])
def test_counts(name: str) -> None:
    with torch.device("meta"):
        network = build(name)
    assert sum(p.numel() for p in network.parameters()) == 87_760_909
    assert list(network.buffers()) == []


def test_the_coarse_map_goes_through_the_fine_scale_and_is_enlarged_bilinearly() -> None:
    """One quarter-resolution cell of 16: next to its centre, an eighth of a cell away on both axes, 16 x (7/8)^2."""
    network = small().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.coarse[-2].bias[8 * SIZE_PX // 4 + 8] = 16
        network.fine[0].weight[0, -1, 2, 2] = 1
        network.fine[2].weight[0, 0, 2, 2] = 1
    result = height(network, torch.zeros(1, 3, SIZE_PX, SIZE_PX))[0, 0]
    assert result.shape == (SIZE_PX, SIZE_PX)
    assert result.max() == 12.25
    assert torch.equal(result[33:35, 33:35], torch.full((2, 2), 12.25))
    assert result.sum() == pytest.approx(16 * 16)


def test_the_coarse_scale_sees_the_whole_tile_and_the_fine_scale_does_not() -> None:
    torch.manual_seed(0)
    network = small().eval()
    image = torch.randn(1, 3, SIZE_PX, SIZE_PX)
    changed = image.clone()
    changed[..., :4, :4] = 9.0
    corner = (..., slice(-4, None), slice(-4, None))
    with torch.inference_mode():
        assert not torch.equal(network.coarse(image)[corner], network.coarse(changed)[corner])
        assert torch.equal(network.edges(image)[corner], network.edges(changed)[corner])


def test_dropout_is_active_only_in_training() -> None:
    torch.manual_seed(0)
    network, image = small(), torch.randn(1, 3, SIZE_PX, SIZE_PX)
    assert not torch.equal(height(network, image), height(network, image))
    assert torch.equal(height(network.eval(), image), height(network, image))


def test_another_size_is_refused_with_the_remedy() -> None:
    with pytest.raises(SettingsError, match=r"64 x 64 px, found 64 x 96; make tiling\.tile_px"):
        height(small(), torch.zeros(1, 3, 64, 96))
    with pytest.raises(SettingsError, match="multiple of 32"):
        small(size_px=100)
