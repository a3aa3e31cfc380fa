"""Settings of heights that are made from points, or from a surface without a terrain."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from img2height.settings.base import Distinct, Factor, OneOf, Settings
from img2height.vocabulary.units import METRES

Unit = Annotated[str, OneOf(METRES)]
VerticalSystem = Annotated[str, StringConstraints(pattern=r"^(EPSG:\d+|ellipsoid)$")]
PointClass = Annotated[int, Field(ge=0, le=255, json_schema_extra={"unit": "class"})]


class GroundFilter(Settings):
    """A progressive morphological filter (Zhang et al. 2003) that estimates the terrain below a surface model."""

    window_m: float = Field(
        100.0, ge=5, le=1000, description="a building narrower than this is removed; a wider one counts as terrain"
    )
    slope: Factor = Field(0.15, ge=0, le=2, description="steepest terrain, rise over run")
    step_m: float = Field(0.5, gt=0, le=10, description="what rises less above the terrain belongs to it")
    highest_step_m: float = Field(3.0, gt=0, le=100, description="what rises more is never terrain, whatever the slope")
    cell_m: float = Field(1.0, gt=0, le=100, description="side of the cells in which the terrain is estimated")


class PointRules(Settings):
    """How a surface (dsm) and a terrain model (dtm) are made from the points of a point cloud."""

    surface: Literal["max", "p95"] = Field(
        "max",
        description="which height of the points in a pixel the surface shows: the highest, or the 95th percentile",
    )
    left_out: Distinct[PointClass] = Field(
        [7, 18], description="classes that are noise. Points marked as withheld or synthetic are always left out"
    )
    ground: Distinct[PointClass] = Field(
        [2, 9],
        description="classes of the terrain and of water; the terrain is the mean of their heights in a pixel",
    )
    surface_gap_m: float = Field(
        2.0, ge=0, le=100,
        description="gaps of the surface up to this width are interpolated linearly, wider ones are missing",
    )  # fmt: skip
    terrain_gap_m: float = Field(
        100.0, ge=0, le=500, description="the same for the terrain, which has no points below buildings"
    )


class PointCloud(PointRules):
    """Point clouds from which surface and terrain are made, instead of rasters."""

    path: str = Field(description="a LAS, LAZ or COPC file, or a folder of them, relative to `data/raw/<name>/`")
    crs: str | None = Field(None, description="horizontal coordinate system; null: as stated in the files")
    unit: Unit | None = Field(None, description="unit of heights; null: as stated in the files")
    vertical: VerticalSystem | None = Field(
        None,
        description="vertical system of heights, as of a layer; null: as stated in the files, otherwise unrecorded",
    )
