"""Optimisers and learning-rate schedules of recipes, with the bounds within which they can train."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from img2height.settings.base import Factor, Settings, Share

Kept = Annotated[float, Field(ge=0, lt=1, json_schema_extra={"unit": "share"})]  # 1 would never forget

ADAM = ("betas", "eps", "weight_decay", "decoupled_weight_decay")
TAKEN = {
    "nadam": (*ADAM, "momentum_decay"),
    "adam": (*ADAM, "amsgrad"),
    "adamw": ("betas", "eps", "weight_decay", "amsgrad"),
    "sgd": ("momentum", "dampening", "weight_decay", "nesterov"),
}


class OptimizerOptions(Settings):
    """Further arguments of an optimiser, named as in torch; omitted ones have torch's defaults."""

    betas: tuple[Kept, Kept] | None = Field(
        None,
        description="nadam, adam, adamw: shares of the running means of gradient and squared gradient that a step "
        "keeps; a mean of which all is kept would never change",
    )
    eps: Factor | None = Field(
        None,
        gt=0,
        le=1,
        description="nadam, adam, adamw: added to the divisor, which would otherwise be 0 if all gradients are 0",
    )
    momentum_decay: Factor | None = Field(
        None, ge=0, le=1, description="nadam: how fast the momentum rises to the first of betas"
    )
    weight_decay: Factor | None = Field(
        None, ge=0, le=10, description="shrinks weights towards 0; a negative value would let them grow"
    )
    decoupled_weight_decay: bool | None = Field(
        None, description="nadam, adam: weight_decay acts on the weights, as in adamw, not on the gradient"
    )
    amsgrad: bool | None = Field(None, description="adam, adamw: divide by the largest mean square so far")
    momentum: Kept | None = Field(
        None, description="sgd: share of the last step that is added to the next; with 1 steps would grow without limit"
    )
    dampening: Share | None = Field(None, description="sgd: share of the gradient that the momentum ignores")
    nesterov: bool | None = Field(None, description="sgd: Nesterov momentum, which cannot be combined with dampening")

    @model_validator(mode="after")
    def _nesterov_has_a_momentum(self) -> Self:
        if self.nesterov and (not self.momentum or self.dampening):
            raise ValueError("nesterov needs a momentum above 0 and no dampening: set momentum, or leave it out")
        return self

    @model_serializer(mode="wrap")
    def _given(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Return those that are given, so that a new option changes no recipe."""
        return {name: value for name, value in dump(self).items() if value is not None}


class Optimizer(Settings):
    """Optimiser with torch's names for its options."""

    name: Literal["nadam", "adam", "adamw", "sgd"] = Field(description="of torch.optim")
    lr: Factor = Field(gt=0, le=10, description="maximum learning rate")
    options: OptimizerOptions = Field(OptimizerOptions(), description="further arguments, such as weight_decay")
    gradient_clip: Factor | None = Field(
        None, gt=0, description="maximum Euclidean norm of the gradient; null: not clipped"
    )

    @model_validator(mode="after")
    def _takes_its_options(self) -> Self:
        if foreign := [name for name in self.options.model_dump() if name not in TAKEN[self.name]]:
            raise ValueError(f"{self.name} has no option {foreign[0]}; available: {', '.join(TAKEN[self.name])}")
        return self


class Schedule(Settings):
    """Learning-rate schedule in fractions of the budget."""

    name: Literal["constant", "cosine", "step", "poly"] = Field(description="how the learning rate decreases")
    warmup: Share = Field(0.0, description="share of the budget over which the learning rate rises linearly")
    step: Share = Field(
        1.0, gt=0, description="step: the rate is multiplied by gamma after each such share of the budget"
    )
    gamma: Factor = Field(0.1, gt=0, le=1, description="step: factor on the learning rate")
    power: Factor = Field(
        0.9, gt=0, le=100, description="poly: the rate falls to 0 with this power of the remaining share of the budget"
    )
