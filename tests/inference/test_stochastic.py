"""Mean and spread of several draws."""

import pytest
import torch
from torch import Tensor, nn

from img2height.errors import ModelError
from img2height.inference.stochastic import mean_and_spread
from img2height.methods import build_network


class Coin(nn.Module):
    """Each pixel is 0 or twice what it was."""

    def __init__(self) -> None:
        super().__init__()
        self.noise = nn.Dropout(0.5)

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"height": self.noise(inputs["eo"])}


def generator() -> nn.Module:
    torch.manual_seed(0)
    return build_network("cgan", {"ms": 3}, {"depth": 4, "width": 4}).eval()


def test_by_hand() -> None:
    mean, spread = mean_and_spread(Coin().eval(), {"eo": torch.ones(1, 1, 64, 64)}, draws=4, seed=3)
    hits = mean * 2  # of 4 draws, each 0 or 2
    assert torch.equal(hits, hits.round())
    assert torch.allclose(spread, (hits * (4 - hits) / 3).sqrt())
    assert mean.mean() == pytest.approx(1, abs=0.05)


def test_windows_do_not_depend_on_their_batch_nor_on_earlier_draws() -> None:
    network, x = generator(), torch.randn(3, 3, 16, 16)
    together = mean_and_spread(network, {"ms": x}, draws=3, seed=1)
    torch.manual_seed(99)
    alone = mean_and_spread(network, {"ms": x[1:2]}, draws=3, seed=1)
    for batch, window in zip(together, alone, strict=True):
        assert batch.shape == (3, 1, 16, 16)
        assert torch.equal(batch[1:2], window)
    other = mean_and_spread(network, {"ms": x[1:2]}, draws=3, seed=2)
    assert not torch.equal(alone[0], other[0])


def test_network_and_random_state_are_left_as_they_were() -> None:
    network, x = generator(), {"ms": torch.randn(1, 3, 16, 16)}
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    with torch.inference_mode():
        first = network(x)["height"]
        mean_and_spread(network, x, draws=2, seed=0)
        assert torch.equal(network(x)["height"], first)
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(module.training for module in network.modules())
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize(("network", "draws"), [(nn.Sequential(nn.Conv2d(1, 1, 1)), 8), (Coin(), 1)])
def test_without_noise_or_with_one_draw_there_is_no_spread(network: nn.Module, draws: int) -> None:
    with pytest.raises(ModelError, match=r"at least 2 draws, found \d dropout layers"):
        mean_and_spread(network.eval(), {"eo": torch.ones(1, 1, 8, 8)}, draws=draws, seed=0)
