"""The protocol (params.yaml) as a checked model. Unknown keys are refused."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from img2height.settings.base import Count, Factor, Interval, Seed, Settings, Share

AreaName = Annotated[str, Field(coerce_numbers_to_str=True)]  # districts may be numbered
LEAKS = "random split: neighbours of the test tiles were trained on"


class Tiling(Settings):
    """How scenes are indexed as tiles."""

    tile_px: int = Field(
        gt=0, le=4096, multiple_of=16,
        description="side of a training tile; a multiple of what the networks need. A batch of tiles above 4096 does "
        "not fit into memory",
    )  # fmt: skip
    stride_px: int = Field(
        gt=0, le=4096, description="distance between the corners of neighbouring tiles; half of tile_px is usual"
    )
    min_valid_share: Share = Field(description="tiles with a smaller share of valid reference pixels are left out")


class FractionParts(Settings):
    """Intervals of the axis that belong to each part, as shares from 0 to 1."""

    train: list[Interval] = Field(description="[from, to] of the training areas")
    val: list[Interval] = Field(description="[from, to] of the validation areas")
    test: list[Interval] = Field(description="[from, to] of the test areas; empty if other scenes are tested")


class Shares(Settings):
    """Shares of the cells of a random split; the rest is for training."""

    val: Share = Field(description="share of the cells for validation")
    test: Share = Field(description="share of the cells for the test")


class Regions(Settings):
    """Named areas of a vector file that divide a scene: `turns`, or one fold of train, val and test.

    Areas with the same name form one region. What lies outside the named areas is not used.
    """

    file: str = Field(description="vector file of any format and CRS, relative to the project")
    layer: str | None = Field(None, description="layer to read from a file with several")
    column: str = Field("name", description="column with the names of the areas")
    turns: list[AreaName] = Field([], description="fold k tests on the k-th name and validates on the next one")
    train: list[AreaName] = Field([], description="names of the training areas, if turns is empty")
    val: list[AreaName] = Field([], description="names of the validation areas, if turns is empty")
    test: list[AreaName] = Field([], description="names of the test areas, if turns is empty")

    @model_validator(mode="after")
    def _divides_in_one_way(self) -> "Regions":
        fixed = [self.train, self.val, self.test]
        names = self.turns or [*self.train, *self.val, *self.test]
        if len(self.turns) < 3 if self.turns else not all(fixed):
            raise ValueError("needs three or more names in turns, or names for each of train, val and test")
        if self.turns and any(fixed):
            raise ValueError("give either turns or train, val and test")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{twice[0]!r} is named twice; give each area to one part")
        return self


class Split(Settings):
    """How a scene with the role `split` is divided into training, validation and test areas."""

    strategy: Literal["vertical_stripes", "horizontal_stripes", "blocks", "fraction", "regions", "random"] = Field(
        description="stripes and blocks take turns by fold; fraction: intervals of an axis; regions: named areas of a "
        "vector file; random: random cells, as papers did with tiles, so that neighbours of test tiles are trained on"
    )
    n_folds: Count = Field(
        ge=3, le=1000,
        description="stripes and blocks: number of folds; fold k tests on the k-th, validates on the next, trains on "
        "the rest",
    )  # fmt: skip
    buffer_m: float | None = Field(
        None, ge=0, le=100_000,
        description="distance between parts, cut from training and validation areas, never from test areas; null: half "
        "a tile of the coarsest scene. Scenes are narrower than 100 km",
    )  # fmt: skip
    block_m: float = Field(
        ge=1, le=100_000, description="blocks and random: side of a square; scenes are narrower than 100 km"
    )
    axis: Literal["column", "row"] = Field(
        description="fraction: column runs from west to east, row from north to south"
    )
    parts: FractionParts = Field(description="fraction: the intervals of the axis")
    regions: Regions | None = Field(None, description="regions: the file and the names of its areas")
    shares: Shares = Field(Shares(val=0.2, test=0.01), description="random: shares of cells for validation and test")
    seed: Seed = Field(0, description="random: seed of the draw of the cells")
    allow_leak: bool = Field(False, description="random: must be true, and buffer_m 0, because scores are too good")

    @property
    def count(self) -> int:
        """The number of folds of a scene with the role `split`."""
        if self.strategy == "regions" and self.regions:
            return len(self.regions.turns) or 1
        return 1 if self.strategy in ("fraction", "random") else self.n_folds

    @property
    def tests(self) -> bool:
        """Whether a scene with the role `split` has a test area: with `fraction`, all of it may be for training."""
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
    """Precision of the training by kind of device, as Lightning names it."""

    cpu: Literal["32-true", "bf16-mixed", "auto"] = Field(
        description="auto: bf16-mixed on CPUs with AVX-512 BF16 or AMX, where it is faster, otherwise 32-true"
    )
    gpu: Literal["32-true", "bf16-mixed", "16-mixed"] = Field(description="bf16-mixed is twice as fast on most GPUs")


class Training(Settings):
    """The budget that all methods share."""

    samples: Count = Field(gt=0, le=10**9, description="number of training samples, the common budget of all methods")
    validate_every: Count = Field(gt=0, description="samples between two validations")
    patience: Count = Field(
        gt=0,
        description="validations without improvement after which the training stops; fewer than 10 would cut a cosine "
        "schedule short",
    )
    val_tiles: Count = Field(gt=0, description="maximum number of validation tiles, spread evenly over their area")
    precision: Precision = Field(description="precision of the training, by kind of device")
    threads: Count = Field(gt=0,
        le=1024,
        description="compute threads on a CPU; part of the protocol, because weights differ between 1 and 2",
    )  # fmt: skip
    deterministic: bool = Field(
        False,
        description="on GPUs: operations that give the same bytes on GPUs of one model, at a price in speed; the log "
        "names those that have no such version. On a CPU, bytes are always the same",
    )


Engine = Literal["exact", "auto", "bfloat16", "openvino", "openvino_bfloat16", "openvino_int8"]


class Inference(Settings):
    """How a scene is predicted in overlapping windows."""

    window_px: int = Field(
        gt=0, le=8192, multiple_of=16,
        description="side of a prediction window; above 8192 the layers of a network do not fit into memory",
    )  # fmt: skip
    overlap: float = Field(
        ge=0, le=0.5,
        description="share of a window that its neighbour covers; 0.5 costs 1.8 times as much as 0.25 and gives the "
        "same scores",
        json_schema_extra={"unit": "share"},
    )  # fmt: skip
    batch_size: Count | None = Field(
        None, gt=0, le=4096,
        description="windows computed together; null: what the network declares, on a GPU the fastest size",
    )  # fmt: skip
    engine: Engine = Field(
        "exact",
        description="what computes the network. exact: torch in float32; auto: on a CPU, the fastest engine that kept "
        "the model's scores on its validation windows, see docs/models.md; or one of them by name, an error if it "
        "did not",
    )


class Buildings(Settings):
    """How building footprints are derived from heights and colours: IM2HEIGHT, section III-D."""

    min_height_m: float = Field(
        ge=0,
        le=100,
        description="pixels higher above the ground may be buildings; at most 100 m, because most buildings are lower",
    )
    ndvi_max: Factor = Field(
        ge=-1, le=1,
        description="pixels above it are vegetation, in scenes with near infrared; the index runs from -1 to 1",
    )  # fmt: skip
    vari_max: Factor = Field(
        ge=-10, le=10,
        description="pixels above it are vegetation, in scenes without near infrared; the index is mostly -1 to 1",
    )  # fmt: skip
    min_area_m2: float = Field(ge=0, le=1e6, description="smaller buildings are dropped; none is a square kilometre")
    max_hole_m2: float = Field(ge=0, le=1e6, description="smaller holes in buildings are filled")
    split: Literal["height", "none"] = Field(
        "height",
        description="height: touching buildings are divided where the height steps, where the probability of "
        "footprints dips, or, if the method predicts walls, by these alone; none: a building is a region of pixels "
        "that share edges",
    )
    split_step_m: float = Field(
        0.5, ge=0.1, le=100,
        description="smallest step in height between two buildings; slopes are no steps. Dormers, roof equipment and "
        "parts below min_area_m2 stay with their building",
    )  # fmt: skip
    simplify_m: float = Field(
        ge=0, le=100,
        description="tolerance of simple and regular outlines, which are at most 1.5 times as far from the outline of "
        "their pixels; 0 keeps the outlines of the pixels",
    )  # fmt: skip


class Metrics(Settings):
    """Constants of the scores."""

    ratio_min_height_m: float = Field(
        ge=0.001,
        le=1000,
        description="delta, AbsRel and log10, which divide by the reference, count only where it is higher",
    )
    ssim_range_m: float = Field(
        gt=0, le=10_000, description="data range of SSIM, one for all methods; no scene has a range of more than 10 km"
    )
    instance_iou: Share = Field(gt=0, description="a building counts as found if its IoU is at least this")
    boundary_m: float = Field(
        gt=0, le=100, description="width of the bands inside both outlines that the boundary IoU compares"
    )
    tile_px: int = Field(
        gt=0, le=4096, description="side of the tiles of the per-tile scores, of which bootstrap blocks consist"
    )
    empty_tiles: Literal["skip", "one", "zero"] = Field(
        "skip",
        description="means over tiles: whether a tile whose mask score is 0/0 is skipped, or counts as one or zero",
    )
    allow_missing: bool = Field(
        False,
        description="whether valid reference pixels without a prediction lower the coverage instead of being an error",
    )


class Params(Settings):
    """The protocol, params.yaml."""

    tiling: Tiling = Field(description="how scenes are indexed as tiles")
    split: Split = Field(description="how scenes with the role split are divided")
    training: Training = Field(description="the budget that all methods share")
    inference: Inference = Field(description="how scenes are predicted")
    buildings: Buildings = Field(description="how buildings are derived from heights")
    metrics: Metrics = Field(description="constants of the scores")
