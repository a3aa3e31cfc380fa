"""Method files as checked models: one published recipe a file."""

from typing import Literal

from pydantic import Field, model_validator

from img2height.settings import Name, Settings, Share

InputLayer = Literal["eo", "sar", "ms", "dsm_initial", "views"]


class Paper(Settings):
    """Where a method was published."""

    title: str
    year: int
    url: str


class Normalisation(Settings):
    """How images and heights become the numbers that a network sees; statistics come from the training folds.

    `patch_centred` measures heights from the mean of the initial surface model in the window that is looked at.
    """

    image: Literal["zscore"]
    height: Literal["minmax", "zscore", "metre", "patch_centred"]


class Loss(Settings):
    """One term of the loss, of heights as they are normalised or in metres."""

    name: Literal["l1", "l2"]
    weight: float = 1.0
    unit: Literal["normalised", "metre"] = "normalised"


class Optimizer(Settings):
    """Optimiser with torch's names for its options."""

    name: Literal["nadam", "adam", "adamw", "sgd"]
    lr: float = Field(gt=0)
    options: dict[str, float | tuple[float, float]] = {}
    gradient_clip: float | None = Field(default=None, gt=0)


class Schedule(Settings):
    """Learning-rate schedule in fractions of the budget; `step` multiplies by `gamma` after each such fraction."""

    name: Literal["constant", "cosine", "step"]
    warmup: Share = 0.0
    step: float = Field(default=1.0, gt=0, le=1)
    gamma: float = Field(default=0.1, gt=0, le=1)


class Augmentation(Settings):
    """What happens to a training tile: one of the square's eight symmetries or a left-right mirror, a shifted corner.

    `permute_views` swaps the images of a pair at random. A mirror or turn that shows a radar looking from elsewhere is
    refused unless `ignore_sar_look` says that it may.
    """

    dihedral: bool = False
    mirror: bool = False
    jitter: bool = False
    permute_views: bool = False
    ignore_sar_look: bool = False


class Sampling(Settings):
    """Where training samples come from.

    `positions` draws so many corners from the training ground once, without replacement; left out, samples are the
    tiles of the index. With stereo views each place is looked at in all training pairs of its scene, or in one.
    """

    positions: int | None = Field(default=None, gt=0)
    pairs: Literal["all", "one"] = "all"


class Recipe(Settings):
    """A method file: one published recipe. `init_from` is a model folder whose weights the training starts from."""

    title: str
    paper: Paper | None = None
    notes: str = ""
    network: Name
    options: dict[str, bool | int | float | str | None] = {}
    inputs: dict[InputLayer, list[Name]]
    target: Literal["ndsm", "dsm", "dem"]
    tile_multiple: int = 1
    normalisation: Normalisation
    loss: list[Loss]
    optimizer: Optimizer
    schedule: Schedule
    batch_size: int = Field(gt=0)
    augmentation: Augmentation
    sampling: Sampling = Sampling()
    init_from: str | None = None

    @model_validator(mode="after")
    def _heights_fit_the_inputs(self) -> "Recipe":
        centred = self.normalisation.height == "patch_centred"
        if centred != ("dsm_initial" in self.inputs):
            raise ValueError("normalisation.height must be patch_centred with the input dsm_initial, and only with it")
        if centred and self.target != "dsm":
            raise ValueError("target must be dsm: what is centred on the initial surface model is a surface model")
        if len(views := self.inputs.get("views", [])) > 2 or views != ["first", "second"][: len(views)]:
            raise ValueError("inputs.views must be [first] or [first, second], the images of a pair")
        return self
