"""Losses in metres, by hand, optimisers and schedules."""

import math

import pytest
import torch
from torch import Tensor, nn

from img2height.methods import recipes_folder
from img2height.samples.normalise import Normalisation
from img2height.settings.optimisation import TAKEN, Optimizer, Schedule
from img2height.settings.project import load_recipe
from img2height.training.module import HeightModule
from img2height.training.optimisation import OPTIMIZERS, build_optimizer, schedule_factor

NORMALISATION = Normalisation({}, "patch_centred", 0.0, 4.0)


class Raised(nn.Module):
    """The initial surface model, raised by one number that is learnt."""

    def __init__(self, by: float):
        super().__init__()
        self.by = nn.Parameter(torch.tensor(by))

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"height": inputs["dsm_initial"] + self.by}


def module(by: float, **changes: object) -> HeightModule:
    recipe = load_recipe(recipes_folder(), "resdepth_0", changes)
    return HeightModule(Raised(by), recipe, NORMALISATION, total_steps=10, seed=0)


def batch() -> dict:
    """Two patches at 100 and 2000 m; the reference of the second is 1 m lower and has one missing pixel."""
    initial = torch.tensor([[-1.0, 1.0], [0.5, -0.5]]).expand(2, 1, 2, 2)
    height = initial - torch.tensor([0.0, 0.25]).reshape(2, 1, 1, 1)
    valid = torch.ones(2, 1, 2, 2, dtype=torch.bool)
    valid[1, 0, 0, 0] = False
    offset_m = torch.tensor([100.0, 2000.0]).reshape(2, 1, 1, 1)
    return {
        "inputs": {"dsm_initial": initial}, "height": height, "valid": valid, "offset_m": offset_m,
        "scale_m": torch.full((2, 1, 1, 1), NORMALISATION.scale_m),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("term", "loss", "slope"),
    [
        # Over seven pixels the errors are 4 x 0.5 and 3 x 0.75 of the normalised height, 2 and 3 m.
        ({"name": "l1", "unit": "metre"}, 17 / 7, 4),
        ({"name": "l1", "unit": "normalised"}, 17 / 28, 1),
        ({"name": "l2", "unit": "metre"}, 43 / 7, 2 * 4 * 17 / 7),
        ({"name": "l2", "unit": "normalised"}, 43 / 7 / 16, 2 * 17 / 28),
        ({"name": "l1", "unit": "metre", "weight": 0.5}, 17 / 14, 2),
    ],
)
def test_a_loss_in_metres_and_its_gradient(term, loss, slope):
    made = module(0.5, loss=[term])
    found = made.training_step(batch(), 0)
    found.backward()
    assert found.item() == pytest.approx(loss)
    assert made.network.by.grad.item() == pytest.approx(slope)


def test_terms_of_a_loss_add_up():
    terms = [{"name": "l1", "unit": "metre"}, {"name": "l2", "weight": 2.0}]
    assert module(0.5, loss=terms).training_step(batch(), 0).item() == pytest.approx(17 / 7 + 2 * 43 / 7 / 16)


class Told(nn.Module):
    """Footprints that are building where the input is, and an auxiliary output that is always background."""

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        ground = torch.zeros_like(inputs["eo"])
        return {
            "footprint": torch.cat([ground, 20 * inputs["eo"] - 10], dim=1),
            "aux_footprint": torch.cat([ground + 10, ground], dim=1),
        }


def test_auxiliary_heads_count_four_tenths():
    changes = {"outputs": ["footprint"], "select": "footprint_error", "loss": [{"name": "cross_entropy"}]}
    made = HeightModule(Told(), load_recipe(recipes_folder(), "unet", changes), NORMALISATION, total_steps=10, seed=0)
    answer, building = (torch.tensor(v).reshape(1, 1, 2, 2) for v in ([1.0, 1, 0, 0], [True, False, True, False]))
    classes, mapped = {"footprint": building}, {"footprint": torch.ones_like(building)}
    seen = {"inputs": {"eo": answer}, "classes": classes, "mapped": mapped}
    right, wrong = math.log1p(math.exp(-10)), 10 + math.log1p(math.exp(-10))
    expected = (2 * right + 2 * wrong) / 4
    assert made.loss(made(seen["inputs"]), seen).item() == pytest.approx(1.4 * expected)


@pytest.mark.parametrize("total", [7, 10, 30, 600, 1000, 12345])
@pytest.mark.parametrize(("share", "gamma"), [(0.1, 0.1), (0.025, 0.5), (0.3, 0.1), (1.0, 0.1)])
def test_a_step_schedule_changes_at_whole_stretches_of_the_budget(total, share, gamma):
    factor = schedule_factor(Schedule(name="step", step=share, gamma=gamma), total)
    thousandths = round(share * 1000)
    for step in range(total):
        assert factor(step) == pytest.approx(gamma ** (step * 1000 // (total * thousandths)))


def test_other_schedules():
    assert [schedule_factor(Schedule(name="constant"), 9)(step) for step in (0, 8)] == [1, 1]
    cosine = schedule_factor(Schedule(name="cosine", warmup=0.2), 10)
    assert [cosine(step) for step in (0, 1, 2, 6)] == pytest.approx(
        [1 / 3, 2 / 3, 1, 0.5 * (1 + math.cos(math.pi / 2))]
    )
    warmed = schedule_factor(Schedule(name="step", warmup=0.2, step=0.5), 10)
    assert [warmed(step) for step in (0, 2, 4, 5, 9)] == pytest.approx([1 / 3, 1, 1, 0.1, 0.1])


OPTIONS = {
    "betas": (0.8, 0.9), "eps": 1e-7, "weight_decay": 0.1, "decoupled_weight_decay": True, "momentum_decay": 0.01,
    "amsgrad": True, "momentum": 0.5, "dampening": 0.0, "nesterov": True,
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_torch_takes_every_option_of_an_optimizer(name):
    options = {option: OPTIONS[option] for option in TAKEN[name]}
    built = build_optimizer(nn.Linear(1, 1), Optimizer(name=name, lr=0.1, options=options))
    assert {option: built.param_groups[0][option] for option in options} == options
    assert built.param_groups[0]["lr"] == 0.1


def test_options_that_are_left_out_keep_the_default_of_torch():
    built = build_optimizer(nn.Linear(1, 1), Optimizer(name="adamw", lr=0.1, options={"eps": None}))
    assert built.defaults == torch.optim.AdamW(nn.Linear(1, 1).parameters(), lr=0.1).defaults
