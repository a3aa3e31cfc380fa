"""Settings of the synthetic city. Its imports are light, because every program reads settings files."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from img2height.settings.base import Factor, Settings, Share
from img2height.settings.synthetic import SyntheticPlace

CELL_M = 5000.0
SMALLEST_M = 64.0
CELLS_PER_ROW = 60
SEEDS = 36_000
MAX_HEIGHT_M = {"mixed": 60.0, "towers": 150.0}
Azimuth = Annotated[float, Field(ge=0, lt=360)]
OffNadir = Annotated[float, Field(ge=0, le=45)]


class SarSettings(Settings):
    """A side-looking radar with four polarisations, and its geometry."""

    look_azimuth_deg: Azimuth = Field(180.0, description="from the ground to the sensor, clockwise from north")
    incidence_deg: float = Field(40.0, ge=15, le=65, description="angle of the line of sight from the vertical")
    looks: Factor = Field(4.0, ge=1, le=100, description="equivalent number of looks; more looks, less speckle")


class StereoSettings(Settings):
    """Panchromatic views, and the matching errors of the surface model computed from them."""

    views: list[tuple[OffNadir, Azimuth]] = Field(
        [(18.0, 10.0), (18.0, 190.0), (12.0, 75.0), (24.0, 260.0)],
        min_length=2,
        max_length=32,
        description="off-nadir angle and azimuth (from the ground to the sensor, clockwise from north)",
        json_schema_extra={"unit": "°"},
    )
    faults: Factor = Field(1.0, ge=0, le=3, description="strength of the matching errors; 0: the exact surface")


class CitySettings(SyntheticPlace):
    """One district of the synthetic city, with its sensor and sun. The same settings give the same bytes."""

    FIRST_CELL: ClassVar[tuple[float, float]] = (350_000.0, 5_305_000.0)
    CELL_SIDE_M: ClassVar[float] = CELL_M
    ROW_OF_CELLS: ClassVar[int] = CELLS_PER_ROW

    size_px: int = Field(1024, ge=128, le=4096, description="width and height of the square district in pixels")
    gsd_m: float = Field(0.5, ge=0.2, le=2.0, description="ground sampling distance in metres")
    seed: int = Field(
        ge=0, lt=SEEDS, description="seed of all random draws; also the location on the map, one cell of 5 km per seed"
    )
    preset: Literal["mixed", "towers"] = Field("mixed", description="mostly low houses, or a centre of high-rises")
    density: Share = Field(0.9, gt=0, description="share of the parcels that are built on")
    relief_m: float = Field(15.0, ge=0, le=100, description="standard range of the rolling terrain in metres")
    min_height_m: float = Field(3.0, ge=2, le=10, description="minimum building height, in metres above ground")
    max_height_m: float = Field(
        default_factory=lambda given: MAX_HEIGHT_M[given["preset"]], ge=12, le=300,
        description="maximum building height; if omitted, 60 m, or 150 m with preset towers",
    )  # fmt: skip
    water: bool = Field(True, description="a river, or a pond if the district is narrower than 250 m")
    sun_azimuth_deg: Azimuth = Field(155.0, description="direction of the sun, clockwise from north")
    sun_elevation_deg: float = Field(42.0, ge=10, le=90, description="angle of the sun above the horizon")
    off_nadir_deg: OffNadir = Field(0.0, description="angle of the line of sight from the vertical")
    off_nadir_azimuth_deg: Azimuth = Field(
        0.0, description="from the ground to the sensor, clockwise from north; roofs lean the other way"
    )
    haze: Share = Field(0.3, description="0: clear air, 1: milky; adds path radiance, blue most")
    noise: Factor = Field(1.5, ge=0, le=20, description="standard deviation of the sensor noise, in 8-bit grey values")
    sar: SarSettings | None = Field(None, description="the radar, if there is one")
    stereo: StereoSettings | None = Field(None, description="the stereo views, if there are any")

    @model_validator(mode="after")
    def _fits_into_its_cell(self) -> "CitySettings":
        if not SMALLEST_M <= self.extent_m <= CELL_M:
            raise ValueError(
                f"size_px * gsd_m is {self.extent_m:g} m; a district is {SMALLEST_M:g} to {CELL_M:g} m wide"
            )
        return self

    def delivered(self) -> dict[str, Any]:
        """Return the layers and pairs of a dataset file for the files that `city.write` makes from these settings.

        All pairs of neighbouring views are used for training, the first for validation, all but the second for testing.
        """
        names = ["eo", "dsm", "dtm", "ndsm", "building", "water", "forest"]
        layers: dict[str, Any] = {name: {"path": f"{name}.tif"} for name in names}
        layers["building_polygons"] = {"path": "buildings.gpkg"}
        if self.sar:
            look = self.sar.look_azimuth_deg
            layers["sar"] = {"path": "sar.tif", "backscatter": "decibel", "look_azimuth_deg": look}
        if not self.stereo:
            return {"layers": layers}
        numbers = range(1, len(self.stereo.views) + 1)
        layers["dsm_initial"] = {"path": "dsm_initial.tif"}
        layers["views"] = [{"path": f"view_{number}.tif"} for number in numbers]
        uses = [["train", "val", "test"], ["train"], ["train", "test"]]
        pairs = [{"first": n, "second": n + 1, "use": uses[min(n - 1, 2)]} for n in numbers[:-1]]
        return {"layers": layers, "pairs": pairs}
