"""The precision depends only on the settings and on the instruction set of the processor."""

import pytest
import torch

from img2height.cpu import computes_in_bfloat16
from img2height.settings.protocol import Precision, Training
from img2height.training.precision import precision_of

ON_GPU = torch.cuda.is_available()


def training(cpu: str) -> Training:
    precision = Precision(cpu=cpu, gpu="16-mixed")
    return Training(samples=8, validate_every=4, patience=1, val_tiles=1, threads=1, precision=precision)


@pytest.mark.skipif(ON_GPU, reason="the precision is that of the GPU")
@pytest.mark.parametrize("named", ["32-true", "bf16-mixed"])
def test_a_named_precision_is_used(named):
    assert precision_of(training(named)) == named


@pytest.mark.skipif(ON_GPU, reason="the precision is that of the GPU")
@pytest.mark.parametrize(
    ("instructions", "expected"),
    [(["avx512_f"], "32-true"), (["avx512_f", "avx512_bf16"], "bf16-mixed"), (["amx_bf16"], "bf16-mixed")],
)
def test_auto_uses_bfloat16_if_the_processor_has_it(monkeypatch, instructions, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(instructions, True))
    assert computes_in_bfloat16() == (expected == "bf16-mixed")
    assert precision_of(training("auto")) == expected
