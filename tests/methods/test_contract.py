"""The contract of every file in config/methods."""

import pytest
import torch
from reduced_methods import RECIPES, options_of, side_of
from safetensors.torch import load, save
from torch import Tensor, nn

from img2height.errors import Img2HeightError, SettingsError
from img2height.methods import build, build_network, names, networks
from img2height.training.optimisation import build_optimizer

CHANNELS = {"height": 1, "footprint": 2, "wall": 2}


def inputs_of(name: str, batch: int, height: int, width: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(7)
    return {
        layer: torch.randn(batch, len(bands), height, width, generator=generator)
        for layer, bands in RECIPES[name].inputs.items()
    }


def check_outputs(name: str, outputs: dict[str, Tensor], batch: int, height: int, width: int) -> None:
    expected = {output: (batch, CHANNELS[output], height, width) for output in RECIPES[name].outputs}
    assert {output: tuple(maps.shape) for output, maps in outputs.items()} == expected


@pytest.fixture(scope="module", params=names())
def name(request: pytest.FixtureRequest) -> str:
    """Return a method; all tests of one run before those of the next, so that one network is there at a time."""
    return request.param


@pytest.fixture(scope="module")
def network(name: str) -> nn.Module:
    torch.manual_seed(0)
    return build(name, **options_of(name))


def test_outputs_have_the_size_of_the_input(name: str, network: nn.Module) -> None:
    side = side_of(name)
    wide = side if "size_px" in options_of(name) else 2 * side
    for batch, height, width in ((1, side, side), (3, side, wide)):
        with torch.inference_mode():
            outputs = network.eval()(inputs_of(name, batch, height, width))
        check_outputs(name, outputs, batch, height, width)
        assert all(torch.isfinite(maps).all() for maps in outputs.values())


def test_a_step_of_one_tile_reaches_all_trainable_parameters(name: str, network: nn.Module) -> None:
    if not list(network.parameters()):
        pytest.skip("nothing to train in this method")
    before = {key: p.detach().clone() for key, p in network.named_parameters() if p.requires_grad}
    gradients = take_step(name, network)
    assert [key for key in before if gradients[key] is None] == []
    assert all(torch.isfinite(gradients[key]).all() for key in before)
    after = dict(network.named_parameters())
    assert any(not torch.equal(after[key], value) for key, value in before.items())


@pytest.mark.parametrize("freezable", [n for n in names() if "freeze_encoder" in RECIPES[n].options])
def test_a_step_keeps_frozen_parameters(freezable: str) -> None:
    network = build(freezable, **options_of(freezable), freeze_encoder=True)
    frozen = {key: value.clone() for key, value in frozen_state(network).items()}
    assert frozen
    gradients = take_step(freezable, network)
    state = network.state_dict()
    assert [key for key, value in frozen.items() if not torch.equal(state[key], value)] == []
    assert [key for key in frozen if gradients.get(key) is not None] == []


def take_step(name: str, network: nn.Module) -> dict[str, Tensor | None]:
    """Train one step on the smallest batch and a small tile, where batch norm has least to normalise by.

    Return the gradients by parameter.
    """
    side = side_of(name) * (1 if side_of(name) >= 64 else 2)
    optimizer = build_optimizer(network, RECIPES[name].optimizer)
    outputs = network.train()(inputs_of(name, 1, side, side))
    assert {output.removeprefix("aux_") for output in outputs} == set(RECIPES[name].outputs)
    torch.stack([maps.square().mean() for maps in outputs.values()]).sum().backward()
    gradients = {key: p.grad for key, p in network.named_parameters()}
    optimizer.step()
    network.zero_grad()
    return gradients


def frozen_state(network: nn.Module) -> dict[str, Tensor]:
    """Return parameters that are not trained, and the batch statistics beside them."""
    frozen = {}
    for prefix, module in network.named_modules():
        own = list(module.parameters(recurse=False))
        if own and not any(p.requires_grad for p in own):
            start = f"{prefix}." if prefix else ""
            frozen |= {start + key: p for key, p in module.named_parameters(recurse=False)}
            frozen |= {start + key: b for key, b in module.named_buffers(recurse=False)}
    return frozen


def test_weights_survive_safetensors_and_evaluation_is_deterministic(name: str, network: nn.Module) -> None:
    torch.manual_seed(1)
    other = build(name, **options_of(name)).eval()
    other.load_state_dict(load(save(network.state_dict())))
    x = inputs_of(name, 2, side_of(name), side_of(name))
    with torch.inference_mode():
        first, again, loaded = network.eval()(x), network(x), other(x)
    for output, maps in first.items():
        assert torch.equal(maps, again[output])
        assert torch.equal(maps, loaded[output])


def test_a_wrong_band_count_is_an_error(name: str, network: nn.Module) -> None:
    if RECIPES[name].network == "constant":
        pytest.skip("looks at no band")
    side = side_of(name)
    inputs = inputs_of(name, 1, side, side)
    layer = list(inputs)[-1]
    bands = inputs[layer].shape[1]
    with pytest.raises((RuntimeError, Img2HeightError), match=r"channels|Expected size"):
        network.eval()({**inputs, layer: torch.zeros(1, bands + 1, side, side)})


@pytest.mark.parametrize("network", [name for name in networks() if name != "constant"])
def test_a_further_input_is_used_or_refused(network: str) -> None:
    name = next(name for name, recipe in RECIPES.items() if recipe.network == network)
    inputs, further = inputs_of(name, 1, side_of(name), side_of(name)), "ms" if "sar" in RECIPES[name].inputs else "sar"
    bands = {layer: x.shape[1] for layer, x in inputs.items()} | {further: 2}
    try:
        built = build_network(network, bands, {**RECIPES[name].options, **options_of(name)}).eval()
    except SettingsError as error:
        assert further in str(error)
        return
    size = 1, 2, *next(iter(inputs.values())).shape[-2:]
    with torch.inference_mode():
        first, second = (built({**inputs, further: torch.full(size, value)}) for value in (-1.0, 1.0))
    assert any(not torch.equal(maps, second[output]) for output, maps in first.items())


@pytest.mark.parametrize("whole", [name for name in names() if options_of(name)])
def test_the_published_widths_give_the_same_outputs(whole: str) -> None:
    """Only shapes: on the meta device nothing is computed."""
    side = RECIPES[whole].options.get("size_px", side_of(whole))
    with torch.device("meta"):
        outputs = build(whole).eval()({layer: x.to("meta") for layer, x in inputs_of(whole, 3, side, side).items()})
    check_outputs(whole, outputs, 3, side, side)


def test_every_network_file_has_a_recipe() -> None:
    assert set(networks()) == {recipe.network for recipe in RECIPES.values()}


def test_an_invalid_network_or_option_names_the_valid_ones() -> None:
    with pytest.raises(SettingsError, match=r"use one of .*im2height"):
        build_network("im2hight", {"eo": 3}, {})
    with pytest.raises(SettingsError, match="sise"):
        build_network("im2height", {"eo": 3}, {"sise": 3})
    with pytest.raises(SettingsError, match="did you mean 'im2height'"):
        build("im2hight")
