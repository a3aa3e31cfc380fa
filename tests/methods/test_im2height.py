"""IM2HEIGHT against the numbers in the paper."""

import pytest
import torch

from img2height.methods import build
from img2height.methods.im2height import glorot_normal_truncated_


def counts(network: torch.nn.Module) -> tuple[int, int]:
    trainable = sum(p.numel() for p in network.parameters() if p.requires_grad)
    buffers = sum(b.numel() for name, b in network.named_buffers() if not name.endswith("num_batches_tracked"))
    return trainable, buffers


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("im2height", (3_976_907, 4_864)),
        ("im2height_l2", (3_976_907, 4_864)),
        ("im2height_noskip", (3_976_203, 4_736)),
        ("im2height_plain", (3_976_907, 4_864)),
        ("im2height_plain_noskip", (3_976_203, 4_736)),
    ],
)
def test_counts_of_the_paper(name: str, expected: tuple[int, int]) -> None:
    assert counts(build(name)) == expected


def test_unpooling_puts_values_back_where_they_came_from() -> None:
    """With identity blocks only the maxima of each 16 x 16 cell survive four poolings and unpoolings, in place."""
    x = torch.rand(1, 1, 32, 32)
    network = build("im2height").eval()
    indexes, y = [], x
    for _ in network.encoder:
        y, index = torch.nn.functional.max_pool2d(y, 2, return_indices=True)
        indexes.append(index)
    for index in reversed(indexes):
        y = torch.nn.functional.max_unpool2d(y, index, 2)
    assert (y > 0).sum() == 4
    assert torch.equal(y[y > 0], x[y > 0])


def test_residual_blocks_add_their_input() -> None:
    residual, plain = build("im2height").encoder[0], build("im2height_plain").encoder[0]
    plain.load_state_dict(residual.state_dict())
    for block in (residual, plain):
        torch.nn.init.zeros_(block.outer.weight)
    x = torch.randn(2, 3, 16, 16)
    assert residual.eval()(x).abs().sum() > 0
    assert plain.eval()(x).abs().sum() == 0


def test_first_output_is_small() -> None:
    torch.manual_seed(0)
    height = build("im2height")({"eo": torch.randn(4, 3, 64, 64)})["height"]
    assert height.std() < 0.5


def test_glorot_is_cut_at_two_deviations() -> None:
    weight = torch.empty(128, 64, 3, 3)
    glorot_normal_truncated_(weight)
    std = (2 / (64 * 9 + 128 * 9)) ** 0.5
    assert weight.abs().max() <= 2 * std
    assert weight.std() == pytest.approx(0.88 * std, rel=0.01)  # a normal distribution cut at 2 sigma


@pytest.mark.parametrize("seed", range(6))
def test_with_any_seed_heights_can_be_far_above_the_bias(seed: int) -> None:
    torch.manual_seed(seed)
    network = build("im2height")
    assert network.height[2].weight.sum() > 0
