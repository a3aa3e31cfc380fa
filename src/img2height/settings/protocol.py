"""The protocol (params.yaml) and experiment files as checked models. Unknown keys are refused."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from img2height.settings.base import Interval, Name, Settings, Share
from img2height.vocabulary.parts import PARTS, SPLIT, Role

AreaName = Annotated[str, Field(coerce_numbers_to_str=True)]  # districts may be numbered
LEAKS = "random split: neighbours of the test tiles were trained on"


class Tiling(Settings):
    """How scenes are indexed as tiles."""

    tile_px: int = Field(gt=0, multiple_of=16)
    stride_px: int = Field(gt=0)
    min_valid_share: Share


class FractionParts(Settings):
    """Intervals of the axis that belong to each part, as shares from 0 to 1."""

    train: list[Interval]
    val: list[Interval]
    test: list[Interval]


class Shares(Settings):
    """Shares of the cells of a random split; what is left of 1 trains."""

    val: Share
    test: Share


class Regions(Settings):
    """Named areas of a vector file that divide the ground: `turns`, or one fold of train, val and test.

    `layer` names the layer of a file that holds several. With `turns` fold k tests on the k-th name and validates on
    the next: leave one district out. Areas of one name are one district; ground outside the named ones is in no part.
    """

    file: str
    layer: str | None = None
    column: str = "name"
    turns: list[AreaName] = []
    train: list[AreaName] = []
    val: list[AreaName] = []
    test: list[AreaName] = []

    @model_validator(mode="after")
    def _divides_in_one_way(self) -> "Regions":
        fixed = [self.train, self.val, self.test]
        names = self.turns or [*self.train, *self.val, *self.test]
        if len(self.turns) < 3 if self.turns else not all(fixed):
            raise ValueError("needs three or more names in turns, or names for each of train, val and test")
        if self.turns and any(fixed):
            raise ValueError("takes either turns or train, val and test")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{twice[0]!r} is named twice; give each area to one part")
        return self


class Split(Settings):
    """How the ground of a scene with the role `split` is divided into folds.

    `buffer_m` left out is half a tile of the coarsest scene. `random` deals out cells of `block_m` as papers did with
    tiles: neighbours of test tiles are trained on, so it leaks, and must be asked for with `allow_leak`.
    """

    strategy: Literal["vertical_stripes", "horizontal_stripes", "blocks", "fraction", "regions", "random"]
    n_folds: int = Field(ge=3)
    buffer_m: float | None = Field(default=None, ge=0)
    block_m: float = Field(gt=0)
    axis: Literal["column", "row"]
    parts: FractionParts
    regions: Regions | None = None
    shares: Shares = Shares(val=0.2, test=0.01)
    seed: int = 0
    allow_leak: bool = False

    @property
    def count(self) -> int:
        """How many folds a scene with the role `split` has."""
        if self.strategy == "regions" and self.regions:
            return len(self.regions.turns) or 1
        return 1 if self.strategy in ("fraction", "random") else self.n_folds

    @property
    def tests(self) -> bool:
        """Whether a scene with the role `split` has ground to test on: a fraction may be of training ground alone."""
        return self.strategy != "fraction" or bool(self.parts.test)

    @model_validator(mode="after")
    def _regions_are_named(self) -> "Split":
        if self.strategy == "regions" and self.regions is None:
            raise ValueError("strategy regions needs split.regions: the file and the names of its areas")
        return self

    @model_validator(mode="after")
    def _random_is_asked_for(self) -> "Split":
        if self.strategy == "random" and not (self.allow_leak and self.buffer_m == 0):
            raise ValueError(
                "a random split trains on neighbours of test tiles: its scores are too good. To repeat a paper that "
                "used one, set allow_leak: true and buffer_m: 0"
            )
        return self


class Precision(Settings):
    """Lightning's precision by kind of device."""

    cpu: Literal["32-true", "bf16-mixed"]
    gpu: Literal["32-true", "bf16-mixed", "16-mixed"]


class Training(Settings):
    """The budget that all methods share."""

    samples: int = Field(gt=0)
    validate_every: int = Field(gt=0)
    patience: int = Field(gt=0)
    val_tiles: int = Field(gt=0)
    precision: Precision
    threads: int = Field(gt=0)


class Inference(Settings):
    """How a scene is predicted in overlapping windows.

    `batch_size` null takes what the network declares for a CPU, and on a GPU what is found to be fastest. `precision`
    bfloat16 is refused where its heights differ by more than a centimetre on average from those of float32.
    """

    window_px: int = Field(gt=0, multiple_of=16)
    overlap: float = Field(ge=0, le=0.5)
    batch_size: int | None = Field(default=None, gt=0)
    precision: Literal["float32", "bfloat16"] = "float32"


class Buildings(Settings):
    """Height threshold, vegetation index, small areas and holes of IM2HEIGHT III-D."""

    min_height_m: float
    ndvi_max: float
    vari_max: float
    min_area_m2: float = Field(ge=0)
    max_hole_m2: float = Field(ge=0)
    simplify_m: float = Field(ge=0)


class Metrics(Settings):
    """Constants of the scores."""

    ratio_min_height_m: float = Field(gt=0)
    ssim_range_m: float = Field(gt=0)
    instance_iou: float = Field(gt=0, le=1)
    tile_px: int = Field(gt=0)
    empty_tiles: Literal["skip", "one", "zero"] = "skip"
    allow_missing: bool = False


class Params(Settings):
    """The protocol, params.yaml."""

    tiling: Tiling
    split: Split
    training: Training
    inference: Inference
    buildings: Buildings
    metrics: Metrics


class Experiment(Settings):
    """An experiment file: which scenes in which role, which methods, folds and seeds, and what it overrides."""

    name: Name
    title: str
    scenes: dict[Name, dict[Name, Role]]
    methods: list[Name] = Field(min_length=1)
    folds: list[int] | Literal["all"] = "all"
    seeds: list[int] = Field(default=[0], min_length=1)
    params: dict[str, dict] = {}
    recipes: dict[Name, dict] = {}

    @model_validator(mode="after")
    def _has_scenes(self) -> "Experiment":
        roles = {role for scenes in self.scenes.values() for role in scenes.values()}
        if SPLIT not in roles and not set(PARTS) <= roles:
            raise ValueError("scenes: needs a scene with the role split, or scenes for each of train, val and test")
        return self
