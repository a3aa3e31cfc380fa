"""The settings files as checked models: params, experiment, dataset and method files. Unknown keys are refused."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from img2height.scenes.city_settings import CitySettings

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]
Part = Literal["train", "val", "test"]
Role = Literal["train", "val", "test", "split"]
Unit = Literal["metre", "foot", "us_survey_foot", "decimetre", "centimetre"]
Share = Annotated[float, Field(ge=0, le=1)]
Interval = tuple[Share, Share]


class Settings(BaseModel):
    """Base of all settings: unknown keys are errors, values do not change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


class Split(Settings):
    """How the ground of a scene with the role `split` is divided into folds."""

    strategy: Literal["vertical_stripes", "horizontal_stripes", "blocks", "fraction"]
    n_folds: int = Field(ge=3)
    buffer_m: float = Field(ge=0)
    block_m: float = Field(gt=0)
    axis: Literal["column", "row"]
    parts: FractionParts


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
    """How a scene is predicted in overlapping windows."""

    window_px: int = Field(gt=0, multiple_of=16)
    overlap: float = Field(ge=0, le=0.5)
    batch_size: int = Field(gt=0)


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


class Params(Settings):
    """The protocol, params.yaml."""

    tiling: Tiling
    split: Split
    training: Training
    inference: Inference
    buildings: Buildings
    metrics: Metrics


class Layer(Settings):
    """One layer of a scene as it was delivered.

    `shift_m` moves the layer by metres east and north, to mend a known misregistration. `height_column` names the
    column of building polygons that holds their height, in `unit`; left out, it is `height_m` where there is one.
    """

    path: str
    bands: list[Name] | None = None
    unit: Unit | None = None
    nodata: float | None = None
    shift_m: tuple[float, float] = (0.0, 0.0)
    height_column: str | None = None


class SceneLayers(Settings):
    """The layers that a scene may have; `building_polygons` is a vector file."""

    eo: Layer
    dsm: Layer | None = None
    dtm: Layer | None = None
    ndsm: Layer | None = None
    building: Layer | None = None
    building_polygons: Layer | None = None
    water: Layer | None = None
    forest: Layer | None = None

    def items(self) -> list[tuple[str, Layer]]:
        """Return name and layer of each layer that is there."""
        return [(name, layer) for name in type(self).model_fields if (layer := getattr(self, name)) is not None]


class SceneFile(Settings):
    """One scene of a dataset: delivered layers, or the settings of the synthetic city that makes them."""

    layers: SceneLayers
    city: CitySettings | None = None


class TargetGrid(Settings):
    """The grid that all layers are brought to; left out, it is the grid of the image."""

    crs: str | None = None
    gsd_m: float | None = Field(default=None, gt=0)


class About(Settings):
    """Where data comes from and what its heights refer to."""

    title: str
    source: str
    licence: str
    vertical_reference: str


class Dataset(About):
    """A dataset file: where its scenes come from and what they hold. Paths are relative to data/raw/<name>/."""

    name: Name
    grid: TargetGrid = TargetGrid()
    scenes: dict[Name, SceneFile]


class Paper(Settings):
    """Where a method was published."""

    title: str
    year: int
    url: str


class Normalisation(Settings):
    """How images and heights become the numbers that a network sees; statistics come from the training folds."""

    image: Literal["zscore"]
    height: Literal["minmax", "zscore", "metre"]


class Loss(Settings):
    """One term of the loss."""

    name: Literal["l1", "l2"]
    weight: float = 1.0


class Optimizer(Settings):
    """Optimiser with torch's names for its options."""

    name: Literal["nadam", "adam", "adamw", "sgd"]
    lr: float = Field(gt=0)
    options: dict[str, float | tuple[float, float]] = {}
    gradient_clip: float | None = Field(default=None, gt=0)


class Schedule(Settings):
    """Learning-rate schedule in fractions of the budget."""

    name: Literal["constant", "cosine"]
    warmup: Share = 0.0


class Augmentation(Settings):
    """What happens to a training tile: one of the eight symmetries of the square, a shifted corner."""

    dihedral: bool = False
    jitter: bool = False


class Recipe(Settings):
    """A method file: one published recipe."""

    title: str
    paper: Paper | None = None
    notes: str = ""
    network: Name
    options: dict[str, bool | int | float | str | None] = {}
    inputs: dict[Literal["eo"], list[Name]]
    target: Literal["ndsm", "dsm"]
    tile_multiple: int = 1
    normalisation: Normalisation
    loss: list[Loss]
    optimizer: Optimizer
    schedule: Schedule
    batch_size: int = Field(gt=0)
    augmentation: Augmentation


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
        if "split" not in roles and not {"train", "val", "test"} <= roles:
            raise ValueError("scenes: needs a scene with the role split, or scenes for each of train, val and test")
        return self
