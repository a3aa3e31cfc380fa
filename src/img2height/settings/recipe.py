"""Method files as checked models: one published recipe per file."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from img2height.settings.base import Count, Distinct, Factor, Name, OneOf, Settings, Share
from img2height.settings.optimisation import Optimizer, Schedule
from img2height.vocabulary.layers import INITIAL, INPUTS, VIEWS
from img2height.vocabulary.outputs import CLASSES, FOOTPRINT, HEIGHT, OUTPUTS, WALL
from img2height.vocabulary.quantities import BUILDINGS, QUANTITIES, SURFACE, TARGETS

InputLayer = Annotated[str, OneOf(INPUTS)]
Target = Annotated[str, OneOf(TARGETS)]
Output = Annotated[str, OneOf(OUTPUTS)]
PixelClass = Annotated[str, OneOf(CLASSES)]
Option = bool | int | float | str | None


class Paper(Settings):
    """The publication of a method."""

    title: str = Field(description="as printed")
    year: int = Field(ge=1900, le=2100, description="of publication")
    url: str = Field(description="DOI or preprint")


class Normalisation(Settings):
    """How images and heights are scaled for the network; statistics come from the training areas."""

    image: Literal["zscore", "unit", "tanh", "imagenet"] = Field(
        description="zscore; unit: from 0 to 1, bytes by 255, others between their 2 and 98 percentiles (the "
        "extremes if these are equal); tanh: from -1 to 1 between the same percentiles; imagenet: bytes by 255, then "
        "the mean and deviation of ImageNet's colours"
    )
    height: Literal["minmax", "tanh", "zscore", "metre", "patch_centred", "relative"] = Field(
        description="minmax from 0 to 1 and tanh from -1 to 1 between robust quantiles; zscore; metre; patch_centred: "
        "from the mean of the initial surface model in the window; relative: from -1 to 1 between the lowest and the "
        "highest of each tile"
    )


class Loss(Settings):
    """One term of the loss."""

    name: Literal["l1", "l2", "smooth_l1", "silog", "gradient", "ssim", "cross_entropy", "dice"] = Field(
        description="cross_entropy and dice compare classes of pixels, the others heights"
    )
    of: PixelClass = Field(FOOTPRINT, description="the class that cross_entropy and dice compare")
    weight: Factor = Field(1.0, ge=0, le=1e6, description="factor of the term in the sum")
    unit: Literal["normalised", "metre"] = Field(
        "normalised", description="heights as the network sees them, or in metres"
    )

    @property
    def output(self) -> str:
        """The output of the network that the term compares."""
        return self.of if self.name in ("cross_entropy", "dice") else HEIGHT


class Augmentation(Settings):
    """Augmentation of training tiles."""

    dihedral: bool = Field(False, description="one of the eight symmetries of the square at random")
    mirror: bool = Field(False, description="a left-right mirror at random; part of dihedral")
    jitter: bool = Field(False, description="the corner of the tile is shifted at random")
    permute_views: bool = Field(False, description="the images of a pair are swapped at random")
    ignore_sar_look: bool = Field(
        False,
        description="allow mirrors and rotations that change the look direction of a radar; they are refused otherwise",
    )
    channel_swap: Share = Field(0.0, description="share of samples whose red, green and blue are permuted")
    grayscale: Share = Field(0.0, description="share of samples whose red, green and blue are replaced by their mean")


class Sampling(Settings):
    """How training samples are drawn."""

    positions: Count | None = Field(
        None,
        gt=0,
        le=10**8,
        description="number of corners drawn once from the training area, without replacement; null: the tiles of "
        "the index",
    )
    offline: Count | None = Field(
        None,
        gt=0,
        le=10**9,
        description="number of augmented samples drawn once, as if written to disk, and used repeatedly; null: each "
        "sample is augmented independently",
    )
    pairs: Literal["all", "one"] = Field(
        "all", description="stereo views: use each position with all training pairs of its scene, or with one"
    )
    leave_out: bool = Field(
        True,
        description="optional inputs: leave some of them out of each sample at random, so that every subset of them is "
        "learnt; any number is equally likely to be kept",
    )


class Discriminator(Settings):
    """The discriminator of a network that is trained adversarially."""

    options: dict[str, Option] = Field({}, description="arguments of the network's `discriminator`")
    optimizer: Optimizer = Field(description="optimiser of its weights")
    weight: Factor = Field(1.0, ge=0, le=1e6, description="factor of the adversarial loss in the network's loss")


class Recipe(Settings):
    """A method file: one published recipe."""

    title: str = Field(description="title of the method in reports")
    paper: Paper | None = Field(None, description="the publication")
    notes: str = Field("", description="notes for users of the method")
    network: Name = Field(description="module of img2height.methods that builds the network")
    options: dict[str, Option] = Field({}, description="arguments of the network's `build`")
    inputs: dict[InputLayer, Distinct[Name]] = Field(
        description="bands by layer, in any order of the layers; of dsm_initial [dsm], of views [first] or [first, "
        "second]"
    )
    optional: Distinct[InputLayer] = Field(
        [],
        description="inputs that a scene may lack, and that a prediction can leave out, as long as one input is there",
    )
    outputs: Distinct[Output] = Field(
        [HEIGHT],
        min_length=1,
        description="what the network predicts; wall are pixels at a wall between two buildings, which divides them",
    )
    select: Literal["rmse_m", "mae_m", "footprint_error"] = Field(
        "rmse_m",
        description="validation score by which the best weights are chosen; footprint_error is 1 - Dice of footprints",
    )
    target: Target = Field(
        description="reference to learn; building_height is the height inside building footprints and 0 outside"
    )
    tile_multiple: int = Field(
        1, ge=1, le=4096, description="tiles and windows must be a multiple of this", json_schema_extra={"unit": "px"}
    )
    normalisation: Normalisation = Field(description="scaling of images and heights")
    loss: list[Loss] = Field(min_length=1, description="terms that are added up")
    optimizer: Optimizer = Field(description="optimiser of the network's weights")
    schedule: Schedule = Field(description="schedule of the learning rate")
    discriminator: Discriminator | None = Field(None, description="the discriminator, for adversarial training")
    batch_size: Count = Field(gt=0, le=4096, description="samples per training step")
    augmentation: Augmentation = Field(description="augmentation of the training tiles")
    sampling: Sampling = Field(Sampling(), description="how training samples are drawn")
    init_from: str | None = Field(None, description="model folder from whose weights the training starts")

    @property
    def required(self) -> dict[str, list[str]]:
        """The bands by layer of the inputs that each scene must have."""
        return {layer: bands for layer, bands in self.inputs.items() if layer not in self.optional}

    @property
    def merged_views(self) -> list[str]:
        """The views of a pair, if a scene is predicted with each of its pairs; with optional views it is not."""
        return self.required.get(VIEWS, [])

    @property
    def learnt_from(self) -> list[str]:
        """The reference layers of a scene from which it learns."""
        quantity = QUANTITIES[self.target]
        layers = [quantity.learnt_from, *(quantity.needs if self.target == BUILDINGS else [])]
        return list(dict.fromkeys([*layers, *(CLASSES[name].layer for name in self.classes)]))

    @property
    def classes(self) -> list[str]:
        """The classes of pixels that the network predicts, in the order of their bands."""
        return [name for name in CLASSES if name in self.outputs]

    @field_validator("inputs")
    @classmethod
    def _in_one_order(cls, inputs: dict[str, list[str]]) -> dict[str, list[str]]:
        """Return the layers in the order that a card, JSON with sorted keys, keeps: networks concatenate them in it."""
        return dict(sorted(inputs.items()))

    @model_validator(mode="after")
    def _heights_fit_the_inputs(self) -> Self:
        centred = self.normalisation.height == "patch_centred"
        if others := [layer for layer in self.optional if layer not in self.inputs]:
            raise ValueError(f"optional names {others[0]}, which is not one of the inputs {', '.join(self.inputs)}")
        if centred != (INITIAL in self.required):
            raise ValueError(
                "normalisation.height must be patch_centred with the input dsm_initial if it is not optional, and only "
                "with it"
            )
        if centred and self.target != SURFACE:
            raise ValueError("target must be dsm: heights centred on the initial surface model are surface heights")
        if len(views := self.inputs.get(VIEWS, [])) > 2 or views != ["first", "second"][: len(views)]:
            raise ValueError("inputs.views must be [first] or [first, second], the images of a pair")
        if any(term.name == "silog" for term in self.loss) and self.normalisation.height != "metre":
            raise ValueError("the loss silog needs heights in metres: set normalisation.height: metre")
        if any(term.name == "ssim" for term in self.loss) and self.normalisation.height != "minmax":
            raise ValueError("the loss ssim needs heights from 0 to 1: set normalisation.height: minmax")
        return self

    @model_validator(mode="after")
    def _outputs_are_learnt(self) -> Self:
        compared = {term.output for term in self.loss}
        if unlearnt := [name for name in self.outputs if name not in compared]:
            raise ValueError(f"outputs name {unlearnt[0]}, but no term of the loss compares it")
        if unnamed := [name for name in OUTPUTS if name in compared and name not in self.outputs]:
            raise ValueError(f"outputs must name {unnamed[0]}, because a term of the loss compares it")
        if WALL in self.outputs and FOOTPRINT not in self.outputs:
            raise ValueError("outputs must name footprint with wall: walls divide the predicted footprints")
        if HEIGHT not in self.outputs and self.select != "footprint_error":
            raise ValueError("select must be footprint_error if the network does not predict heights")
        if self.select == "footprint_error" and FOOTPRINT not in self.outputs:
            raise ValueError("select is footprint_error, but outputs do not name footprint; select rmse_m or mae_m")
        return self

    @model_validator(mode="after")
    def _images_fit_their_normalisation(self) -> Self:
        seen = {band for layer, bands in self.inputs.items() if layer != INITIAL for band in bands}
        if self.normalisation.image == "imagenet" and (others := sorted(seen - {"red", "green", "blue"})):
            raise ValueError(
                f"normalisation.image imagenet is of red, green and blue; inputs name {', '.join(others)}: set zscore"
            )
        return self

    @model_validator(mode="after")
    def _one_optimiser_for_both_networks(self) -> Self:
        other = self.discriminator and self.discriminator.optimizer
        if other and self.optional:
            raise ValueError("optional must be empty with a discriminator: it judges heights beside all inputs")
        if other and "height" not in self.outputs:
            raise ValueError("outputs must name height: a discriminator judges heights")
        if other and (other.name != self.optimizer.name or other.gradient_clip):
            raise ValueError(
                f"discriminator.optimizer is {other.name} with gradient_clip {other.gradient_clip}, but both networks "
                f"share one optimiser: set its name to {self.optimizer.name} and leave out gradient_clip"
            )
        return self
