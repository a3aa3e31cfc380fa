"""Method files as checked models: one published recipe a file."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from img2height.settings.base import Name, OneOf, Settings, Share
from img2height.vocabulary.layers import INITIAL, INPUTS, VIEWS
from img2height.vocabulary.quantities import SURFACE, TARGETS

InputLayer = Annotated[str, OneOf(INPUTS)]
Target = Annotated[str, OneOf(TARGETS)]


class Paper(Settings):
    """Where a method was published."""

    title: str
    year: int
    url: str


class Normalisation(Settings):
    """How images and heights become the numbers that a network sees; statistics come from the training folds.

    Images: `zscore`; `unit` from 0 to 1 (bytes by 255, others between their 2 and 98 percentiles); `tanh` between the
    same percentiles from -1 to 1; `imagenet`, bytes by 255 and then the mean and deviation of ImageNet's colours.
    Heights: `minmax` from 0 to 1 and `tanh` from -1 to 1 between robust quantiles; `zscore`; `metre`; `patch_centred`
    measures them from the mean of the initial surface model in the window that is looked at; `relative` from -1 to 1
    between the lowest and the highest of each tile.
    """

    image: Literal["zscore", "unit", "tanh", "imagenet"]
    height: Literal["minmax", "tanh", "zscore", "metre", "patch_centred", "relative"]


class Loss(Settings):
    """One term of the loss: of heights, as they are normalised or in metres, or of footprints (cross_entropy, dice)."""

    name: Literal["l1", "l2", "smooth_l1", "silog", "gradient", "ssim", "cross_entropy", "dice"]
    weight: float = 1.0
    unit: Literal["normalised", "metre"] = "normalised"


class Optimizer(Settings):
    """Optimiser with torch's names for its options."""

    name: Literal["nadam", "adam", "adamw", "sgd"]
    lr: float = Field(gt=0)
    options: dict[str, float | tuple[float, float]] = {}
    gradient_clip: float | None = Field(default=None, gt=0)


class Schedule(Settings):
    """Learning-rate schedule in fractions of the budget; `step` multiplies by `gamma` after each such fraction.

    `poly` falls to 0 as the `power` of what is left of the budget.
    """

    name: Literal["constant", "cosine", "step", "poly"]
    warmup: Share = 0.0
    step: float = Field(default=1.0, gt=0, le=1)
    gamma: float = Field(default=0.1, gt=0, le=1)
    power: float = Field(default=0.9, gt=0)


class Augmentation(Settings):
    """What happens to a training tile: one of the square's eight symmetries or a left-right mirror, a shifted corner.

    `permute_views` swaps the images of a pair at random. A mirror or turn that shows a radar looking from elsewhere is
    refused unless `ignore_sar_look` says that it may. `channel_swap` and `grayscale` are the shares of samples whose
    red, green and blue are permuted, or replaced by their mean.
    """

    dihedral: bool = False
    mirror: bool = False
    jitter: bool = False
    permute_views: bool = False
    ignore_sar_look: bool = False
    channel_swap: Share = 0.0
    grayscale: Share = 0.0


class Sampling(Settings):
    """Where training samples come from.

    `positions` draws so many corners from the training ground once, without replacement; left out, samples are the
    tiles of the index. `offline` makes so many augmented copies of them once, as if they had been written to disk, and
    the training sees no others; left out, each sample is augmented anew. With stereo views each place is looked at in
    all training pairs of its scene, or in one.
    """

    positions: int | None = Field(default=None, gt=0)
    offline: int | None = Field(default=None, gt=0)
    pairs: Literal["all", "one"] = "all"


class Discriminator(Settings):
    """The adversary of a network: its options, its optimiser, and the weight of its verdict in the network's loss."""

    options: dict[str, bool | int | float | str | None] = {}
    optimizer: Optimizer
    weight: float = 1.0


class Recipe(Settings):
    """A method file: one published recipe.

    `target` building_height is the height inside building footprints and 0 outside. `select` is the validation score
    that chooses the best weights: RMSE or MAE in metres, or 1 - Dice of footprints. `init_from` is a model folder whose
    weights the training starts from.
    """

    title: str
    paper: Paper | None = None
    notes: str = ""
    network: Name
    options: dict[str, bool | int | float | str | None] = {}
    inputs: dict[InputLayer, list[Name]]
    outputs: list[Literal["height", "footprint"]] = ["height"]
    select: Literal["rmse_m", "mae_m", "footprint_error"] = "rmse_m"
    target: Target
    tile_multiple: int = 1
    normalisation: Normalisation
    loss: list[Loss]
    optimizer: Optimizer
    schedule: Schedule
    discriminator: Discriminator | None = None
    batch_size: int = Field(gt=0)
    augmentation: Augmentation
    sampling: Sampling = Sampling()
    init_from: str | None = None

    @model_validator(mode="after")
    def _heights_fit_the_inputs(self) -> "Recipe":
        centred = self.normalisation.height == "patch_centred"
        if centred != (INITIAL in self.inputs):
            raise ValueError("normalisation.height must be patch_centred with the input dsm_initial, and only with it")
        if centred and self.target != SURFACE:
            raise ValueError("target must be dsm: what is centred on the initial surface model is a surface model")
        if len(views := self.inputs.get(VIEWS, [])) > 2 or views != ["first", "second"][: len(views)]:
            raise ValueError("inputs.views must be [first] or [first, second], the images of a pair")
        if any(term.name == "silog" for term in self.loss) and self.normalisation.height != "metre":
            raise ValueError("the loss silog takes logarithms of metres: set normalisation.height: metre")
        if any(term.name == "ssim" for term in self.loss) and self.normalisation.height != "minmax":
            raise ValueError("the loss ssim takes heights from 0 to 1: set normalisation.height: minmax")
        footprint = {"cross_entropy", "dice"} & {term.name for term in self.loss}
        if bool(footprint) != ("footprint" in self.outputs):
            raise ValueError("outputs must name footprint with the losses cross_entropy and dice, and only with them")
        if "height" not in self.outputs and self.select != "footprint_error":
            raise ValueError("select must be footprint_error where no height comes out")
        return self
