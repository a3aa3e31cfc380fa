"""The networks without weights behind the baselines."""

import pytest
import torch

from img2height.errors import SettingsError
from img2height.methods import build, build_network


def test_zero_everywhere() -> None:
    height = build("zero_height")({"eo": torch.ones(2, 1, 4, 6)})["height"]
    assert height.shape == (2, 1, 4, 6)
    assert (height == 0).all()


def test_the_initial_surface_model_is_returned_unchanged() -> None:
    dsm = torch.randn(2, 1, 4, 6)
    assert torch.equal(build("initial_dsm")({"dsm_initial": dsm})["height"], dsm)


def test_without_an_initial_surface_model_it_is_refused() -> None:
    with pytest.raises(SettingsError, match="add dsm_initial"):
        build_network("constant", {"eo": 3}, {"outer_skip": True})
