"""Convolutions written as matrix products against torch's own: values, gradients, memory layout and precision."""

import copy

import pytest
import torch
from torch import nn

from img2height.methods._convolutions import ToOneChannel, Upsampling

CASES = {
    "upsampling": lambda: Upsampling(3, 5),
    "to one channel": lambda: ToOneChannel(3),
    "without bias": lambda: ToOneChannel(3, bias=False),
}


@pytest.fixture(params=CASES)
def ours(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    return CASES[request.param]().double().train()


@pytest.fixture
def image() -> torch.Tensor:
    return torch.rand(2, 3, 5, 7, generator=torch.Generator().manual_seed(1)).double()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_training_computes_the_same_values_and_gradients(
    ours: nn.Module, image: torch.Tensor, layout: torch.memory_format
) -> None:
    theirs = copy.deepcopy(ours).eval()
    inputs = [image.clone(memory_format=layout).requires_grad_() for _ in range(2)]
    outputs = [network(x) for network, x in zip((ours, theirs), inputs, strict=True)]
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-5, atol=1e-6, check_dtype=False)
    for output in outputs:
        output.square().sum().backward()
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad, rtol=1e-5, atol=1e-5)
    for mine, reference in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, reference.grad, rtol=1e-5, atol=1e-4)


def test_upsampled_images_stay_in_channels_last() -> None:
    """Otherwise each following layer would copy them."""
    image = torch.rand(2, 8, 4, 4).contiguous(memory_format=torch.channels_last)
    assert Upsampling(8, 8).train()(image).is_contiguous(memory_format=torch.channels_last)


def test_sums_over_neighbours_are_in_float32() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert ToOneChannel(8).train()(torch.rand(1, 8, 4, 4)).dtype == torch.float32
