"""ResUNet: its unit by hand."""

import pytest
import torch
from torch import nn

from img2height.methods.resunet import ResUNet, Unit


def unit(first: bool) -> Unit:
    """One channel; the first convolution changes the sign, the second copies, the shortcut multiplies by ten."""
    made = Unit(1, 1, first=first).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.dim() == 4:
                parameter.zero_()
            elif parameter.dim() == 1 and parameter.numel() == 1:
                parameter.copy_(parameter.round())
        convolutions = [m for m in made.modules() if isinstance(m, nn.Conv2d)]
        for convolution, weight in zip(convolutions, (-1.0, 1.0, 10.0), strict=True):
            convolution.bias.zero_()
            convolution.weight[..., convolution.kernel_size[0] // 2, convolution.kernel_size[0] // 2] = weight
    return made


@pytest.mark.parametrize(
    ("first", "value", "expected"),
    [
        (False, -1.0, -10.0),  # activated before the sign changes: the result is 0
        (False, 1.0, 10.0),  # passes, becomes negative, and is set to 0 by the second activation
        (True, -1.0, -9.0),  # convolved at once: the sign changes, and one is added to the shortcut
        (True, 1.0, 10.0),
    ],
)
def test_all_units_but_the_first_activate_before_they_convolve(first: bool, value: float, expected: float) -> None:
    assert unit(first)(torch.full((1, 1, 1, 1), value)).item() == pytest.approx(expected, rel=1e-4)


def test_levels_halve_and_double() -> None:
    network = ResUNet(3, 4).eval()
    shapes = []
    for part in [*network.encoder, network.bridge, *network.decoder]:
        part.register_forward_hook(lambda module, args, out: shapes.append((out.shape[1], *out.shape[2:])))
    assert network(torch.zeros(1, 3, 16, 24)).shape == (1, 3, 16, 24)
    down = [(4, 16, 24), (8, 8, 12), (16, 4, 6), (32, 2, 3)]
    assert shapes == [*down, *reversed(down[:-1])]
