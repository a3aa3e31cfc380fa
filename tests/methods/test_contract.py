"""The contract that every file of config/methods keeps."""

import pytest
import torch
from safetensors.torch import load, save

from img2height.errors import SettingsError
from img2height.methods import build, build_network, names, networks, recipes_folder
from img2height.project import load_recipe

RECIPES = {name: load_recipe(recipes_folder(), name) for name in names()}


def inputs_of(name: str, batch: int, size: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    return {
        layer: torch.randn(batch, len(bands), size, size, generator=generator)
        for layer, bands in RECIPES[name].inputs.items()
    }


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize(("batch", "factor"), [(1, 2), (3, 4)])
def test_height_has_the_size_of_the_input(name: str, batch: int, factor: int) -> None:
    size = max(RECIPES[name].tile_multiple, 8) * factor
    with torch.inference_mode():
        height = build(name).eval()(inputs_of(name, batch, size))["height"]
    assert height.shape == (batch, 1, size, size)
    assert torch.isfinite(height).all()


@pytest.mark.parametrize("name", names())
def test_gradients_reach_every_trainable_parameter(name: str) -> None:
    torch.manual_seed(0)
    network = build(name)
    parameters = dict(network.named_parameters())
    if not parameters:
        pytest.skip("nothing to train in this method")
    network(inputs_of(name, 3, 64))["height"].square().mean().backward()
    assert [key for key, p in parameters.items() if p.requires_grad and p.grad is None] == []


@pytest.mark.parametrize("name", names())
def test_weights_survive_safetensors_and_evaluation_is_deterministic(name: str) -> None:
    torch.manual_seed(1)
    network, other = build(name).eval(), build(name).eval()
    other.load_state_dict(load(save(network.state_dict())))
    x = inputs_of(name, 2, 64)
    with torch.inference_mode():
        first = network(x)["height"]
        assert torch.equal(first, network(x)["height"])
        assert torch.equal(first, other(x)["height"])


@pytest.mark.parametrize("name", [name for name in names() if RECIPES[name].network != "constant"])
def test_a_wrong_band_count_is_an_error(name: str) -> None:
    inputs = inputs_of(name, 1, 64)
    layer = list(inputs)[-1]
    with pytest.raises(RuntimeError, match="channels"):
        build(name).eval()({**inputs, layer: torch.zeros(1, inputs[layer].shape[1] + 1, 64, 64)})


def test_every_network_file_has_a_recipe() -> None:
    assert set(networks()) == {recipe.network for recipe in RECIPES.values()}


def test_an_unknown_network_or_option_names_what_is_known() -> None:
    with pytest.raises(SettingsError, match=r"known: .*im2height"):
        build_network("im2hight", {"eo": 3}, {})
    with pytest.raises(SettingsError, match="sise"):
        build_network("im2height", {"eo": 3}, {"sise": 3})
    with pytest.raises(SettingsError, match="did you mean 'im2height'"):
        build("im2hight")
