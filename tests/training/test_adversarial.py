"""Adversarial training: inputs and gradients of both networks, and real trainings with the same bytes."""

import math
from dataclasses import replace
from pathlib import Path

import geopandas
import pandas
import pytest
import shapely
import torch
from conftest import areas_of, grid_tiles
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from img2height.errors import SettingsError
from img2height.methods import build_network, recipes_folder
from img2height.models.folder import load_model
from img2height.samples.normalise import Normalisation
from img2height.samples.plan import plan_samples
from img2height.scenes.scene import Scene
from img2height.settings.project import load_recipe
from img2height.settings.protocol import Precision, Training
from img2height.settings.recipe import Augmentation, Recipe, Sampling
from img2height.training.adversarial import AdversarialModule
from img2height.training.module import HeightModule
from img2height.training.run import TrainingJob, train

SIZE_PX = 32
SMALL = {
    "inputs": {"eo": ["red", "green", "blue"]},
    "target": "ndsm",
    "tile_multiple": SIZE_PX,
    "options": {"depth": 5, "width": 4, "bn_momentum": 0.1},
    "discriminator": {"options": {"width": 4}},
}
AREAS = geopandas.GeoDataFrame({"dataset": ["demo"], "scene": ["district"]}, geometry=[shapely.box(0, 0, 192, 256)])


def recipe(changes: dict | None = None) -> Recipe:
    return load_recipe(recipes_folder(), "cgan", {**SMALL, **(changes or {})})


def module_of(changes: dict | None = None) -> AdversarialModule:
    torch.manual_seed(0)
    made = recipe(changes)
    network = build_network("cgan", {"eo": 3}, made.options)
    return AdversarialModule(network, made, Normalisation({}, "tanh", 5.0, 5.0), 100, 0, made.discriminator)


@pytest.fixture
def batch() -> dict[str, Tensor | dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    height = torch.rand(2, 1, SIZE_PX, SIZE_PX, generator=generator)
    return {
        "inputs": {"eo": torch.randn(2, 3, SIZE_PX, SIZE_PX, generator=generator)},
        "height": height,
        "valid": torch.rand(height.shape, generator=generator) > 0.3,
        "scale_m": torch.full((2, 1, 1, 1), 5.0),
    }


def gradients(network: nn.Module) -> list[Tensor]:
    return [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in network.parameters()]


def learn(module: AdversarialModule, batch: dict) -> tuple[float, list[Tensor], list[Tensor]]:
    """Return the adversarial loss and the gradients of the network and of the discriminator."""
    module.zero_grad()
    torch.manual_seed(2)  # of the dropout
    loss = module.adversarial_loss(module(batch["inputs"])["height"], batch)
    loss.backward()
    return loss.item(), gradients(module.network), gradients(module.discriminator)


def same(one: list[Tensor], two: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_an_undecided_discriminator_gives_each_side_a_loss_of_log_two(batch: dict) -> None:
    for weight in (1.0, 3.0):
        module = module_of({"discriminator": {"options": {"width": 4}, "weight": weight}})
        with torch.no_grad():
            module.discriminator[-1].weight.zero_()
        assert learn(module, batch)[0] == pytest.approx((weight + 2) * math.log(2), rel=1e-6)


@pytest.mark.parametrize("value", [0.0, 1e30, float("nan"), float("inf")])
def test_missing_heights_change_nothing(batch: dict, value: float) -> None:
    changed = {**batch, "height": torch.where(batch["valid"], batch["height"], value)}
    first, second = (learn(module_of(), b) for b in (batch, changed))
    assert first[0] == second[0]
    assert same(first[1], second[1])
    assert same(first[2], second[2])


def test_without_valid_heights_real_and_predicted_maps_are_equal(batch: dict) -> None:
    module = module_of()
    seen: list[Tensor] = []
    module.discriminator.register_forward_pre_hook(lambda _, args: seen.extend(args))
    _, network, _ = learn(module, {**batch, "valid": torch.zeros_like(batch["valid"])})
    assert all(torch.equal(x, seen[0]) for x in seen[1:])
    assert same(network, [torch.zeros_like(g) for g in network])


def test_each_side_learns_only_from_its_own_loss(batch: dict) -> None:
    """Against each loss by itself, with the other side's weights fixed."""
    module = module_of()
    _, network, discriminator = learn(module, batch)

    def by_itself(held: nn.Module, losses: list[tuple[str, float]]) -> None:
        module.zero_grad()
        held.requires_grad_(False)
        torch.manual_seed(2)
        maps = {"fake": module(batch["inputs"])["height"], "real": batch["height"]}
        for name, truth in losses:
            height = torch.where(batch["valid"], maps[name], 0.0)
            logits = module.discriminator(torch.cat([batch["inputs"]["eo"], height], dim=1))
            binary_cross_entropy_with_logits(logits, torch.full_like(logits, truth)).backward()
        held.requires_grad_(True)

    by_itself(module.discriminator, [("fake", 1.0)])
    for found, expected in zip(network, gradients(module.network), strict=True):
        assert torch.allclose(found, expected, atol=1e-7)
    by_itself(module.network, [("real", 1.0), ("fake", 0.0)])
    for found, expected in zip(discriminator, gradients(module.discriminator), strict=True):
        assert torch.allclose(found, expected, atol=1e-7)


def test_the_recipe_weights_its_own_losses_and_the_adversarial_one(batch: dict) -> None:
    module = module_of()
    with torch.no_grad():
        module.discriminator[-1].weight.zero_()
    height = torch.where(batch["valid"], batch["height"] + 0.25, torch.nan)
    assert module.loss({"height": height}, batch).item() == pytest.approx(100 * 0.25 + 3 * math.log(2), rel=1e-5)


def test_one_optimiser_with_the_rates_and_options_of_each() -> None:
    own = {"name": "adam", "lr": 1e-3, "options": {"betas": [0.9, 0.99]}}
    changes = {"discriminator": {"options": {"width": 4}, "optimizer": own}, "schedule": {"name": "cosine"}}
    module = module_of(changes)
    configured = module.configure_optimizers()
    groups = configured["optimizer"].param_groups
    assert [(g["lr"], tuple(g["betas"])) for g in groups] == [(2e-4, (0.5, 0.999)), (1e-3, (0.9, 0.99))]
    assert len(groups[1]["params"]) == len(list(module.discriminator.parameters()))
    for _ in range(50):  # of 100
        configured["optimizer"].step()
        configured["lr_scheduler"]["scheduler"].step()
    assert [g["lr"] for g in groups] == pytest.approx([1e-4, 5e-4])


def test_an_invalid_option_of_the_discriminator_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"discriminator cannot be built with .*four"):
        module_of({"discriminator": {"options": {"width": "four"}}})


def job_of(district: Scene, recipe: Recipe) -> TrainingJob:
    tiles = grid_tiles(district, SIZE_PX, "train")
    tiles.loc[tiles["col_off"] >= 192, "part"] = "val"
    training = Training(
        samples=20, validate_every=8, patience=99, val_tiles=4, threads=1,
        precision=Precision(cpu="32-true", gpu="32-true"),
    )  # fmt: skip
    job = TrainingJob("cgan", recipe, training, 0, 0, pandas.DataFrame(), tiles, [district], areas_of(tiles))
    samples = plan_samples(
        tiles[tiles["part"] == "train"], AREAS, samples=20, seed=0, symmetries=[0], augmentation=Augmentation(),
        sampling=Sampling(), pairs=None,
    )  # fmt: skip
    return replace(job, samples=samples)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_killed_training_resumes_to_the_same_bytes(
    district: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(district, recipe({"batch_size": 2}))
    train(job, tmp_path / "uninterrupted", tmp_path / "scratch", workers=0)
    steps = []
    step = HeightModule.training_step

    def dying_step(module: HeightModule, batch: dict, batch_idx: int) -> Tensor:
        if module.global_step == 6:
            raise KeyboardInterrupt
        return step(module, batch, batch_idx)

    with monkeypatch.context() as patched, pytest.raises((KeyboardInterrupt, SystemExit)):
        patched.setattr(HeightModule, "training_step", dying_step)
        train(job, tmp_path / "model", tmp_path / "scratch", workers=0)
    monkeypatch.setattr(HeightModule, "training_step", lambda m, b, i: (steps.append(m.global_step), step(m, b, i))[1])
    train(job, tmp_path / "model", tmp_path / "scratch", workers=0)
    assert steps == [4, 5, 6, 7, 8, 9], "one step a batch, from the last validation on"
    assert contents(tmp_path / "model") == contents(tmp_path / "uninterrupted")


def test_the_discriminator_learns_and_is_kept_only_in_the_last_weights(district: Scene, tmp_path: Path) -> None:
    job = job_of(district, recipe({"batch_size": 2}))
    train(job, tmp_path / "model", tmp_path / "scratch", workers=0)
    model = load_model(tmp_path / "model")
    history = pandas.read_csv(tmp_path / "model" / "history.csv")
    assert list(history["step"]) == [4, 8, 10]
    assert model.card.best["val_mae_m"] == pytest.approx(history["val_mae_m"].min())
    best, last = (load_file(tmp_path / "model" / f"{name}.safetensors") for name in ("model", "last"))
    assert set(best) == set(model.network.state_dict())
    kept = {name.removeprefix("discriminator."): value for name, value in last.items() if name not in best}
    torch.manual_seed(0)
    network = build_network("cgan", {"eo": 3}, job.recipe.options)
    fresh = AdversarialModule(
        network, job.recipe, model.normalisation, 10, 0, job.recipe.discriminator
    ).discriminator.state_dict()
    assert set(kept) == set(fresh)
    assert not any(torch.equal(kept[name], fresh[name]) for name in fresh if name.endswith("weight"))
