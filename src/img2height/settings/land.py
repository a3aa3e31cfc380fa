"""Settings of the synthetic landscape. Its imports are light, because every program reads settings files."""

from typing import Any, ClassVar

from pydantic import Field, model_validator

from img2height.settings.base import Factor, Share
from img2height.settings.synthetic import SyntheticPlace

CELL_M = 50_000.0  # all of these cells are south of the cities
CELLS_PER_ROW = 10
SEEDS = 1000


class LandSettings(SyntheticPlace):
    """A hilly landscape, with its multispectral sensor and sun. The same settings give the same bytes."""

    FIRST_CELL: ClassVar[tuple[float, float]] = (250_000.0, 300_000.0)
    CELL_SIDE_M: ClassVar[float] = CELL_M
    ROW_OF_CELLS: ClassVar[int] = CELLS_PER_ROW

    size_px: int = Field(768, ge=256, le=4096, description="width and height of the square landscape in pixels")
    gsd_m: float = Field(10.0, ge=5, le=60, description="ground sampling distance in metres")
    seed: int = Field(
        ge=0, lt=SEEDS, description="seed of all random draws; also the location on the map, one cell of 50 km per seed"
    )
    relief_m: float = Field(900.0, ge=20, le=3000, description="highest minus lowest elevation in metres")
    base_m: float = Field(300.0, ge=-400, le=4000, description="lowest elevation, in metres above the vertical datum")
    sun_azimuth_deg: float = Field(155.0, ge=0, lt=360, description="direction of the sun, clockwise from north")
    sun_elevation_deg: float = Field(48.0, ge=10, le=90, description="angle of the sun above the horizon")
    haze: Share = Field(0.2, description="0: clear air, 1: milky; adds path radiance, most in blue and in valleys")
    noise: Factor = Field(0.0015, ge=0, le=0.05, description="standard deviation of the sensor noise, in reflectance")

    @model_validator(mode="after")
    def _fits_into_its_cell(self) -> "LandSettings":
        if self.extent_m > CELL_M:
            raise ValueError(f"size_px * gsd_m is {self.extent_m:g} m; a landscape is at most {CELL_M:g} m wide")
        return self

    def delivered(self) -> dict[str, Any]:
        """Return the layers of a dataset file for the files that `land_files.write_land` makes from these settings."""
        return {"layers": {name: {"path": f"{name}.tif"} for name in ("ms", "dtm", "water", "forest")}}
