"""UPerNet: four levels are fused at a quarter of the size."""

import torch
from torch import Tensor

from img2height.methods import build


def test_four_levels_are_fused_at_a_quarter_of_the_size() -> None:
    trunk = build("upernet", encoder="resnet18", width=16).trunk.eval()
    seen: dict[str, Tensor] = {}
    trunk.decoder.psp.register_forward_pre_hook(lambda module, args: seen.update(deepest=args[0]))
    trunk.decoder.fusion_block.register_forward_pre_hook(lambda module, args: seen.update(fused=args[0]))
    trunk(torch.zeros(1, 8, 64, 96))
    assert seen["deepest"].shape == (1, 512, 2, 3)
    assert seen["fused"].shape == (1, 4 * 16, 16, 24)
    cells = [block[0].output_size for block in trunk.decoder.psp.blocks]
    assert cells == [1, 2, 3, 6]
