"""Dataset files as checked models: scenes, their delivered layers, units and references."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from img2height.settings.base import Distinct, Name, Named, Settings, with_fields
from img2height.settings.city import CitySettings
from img2height.settings.ground import GroundFilter, PointCloud, Unit, VerticalSystem
from img2height.settings.land import LandSettings
from img2height.vocabulary.layers import INPUTS, LAYERS, VIEWS, layer_of, view_name
from img2height.vocabulary.parts import PARTS, Part
from img2height.vocabulary.storage import VECTORS

Backscatter = Literal["decibel", "intensity", "amplitude"]
Cell = Literal["max", "p95", "mean", "median", "min", "idw", "interpolated"]
ClassValue = Annotated[int, Field(ge=0, le=65535, json_schema_extra={"unit": "class"})]
Shift = Annotated[float, Field(ge=-10_000, le=10_000)]


class Layer(Settings):
    """One layer of a scene as delivered."""

    path: str = Field(description="path of the file, relative to `data/raw/<name>/`")
    layer: str | None = Field(None, description="layer to read from a vector file with several")
    bands: Distinct[Name] | None = Field(
        None, description="names of the bands in the order of the file; null: as described in the file"
    )
    unit: Unit | None = Field(None, description="unit of heights; null: as stated in the file")
    nodata: float | None = Field(
        None,
        description="value of missing pixels; null: as stated in the file. NaN and infinite pixels are always missing",
        json_schema_extra={"unit": "of the layer"},
    )
    valid_range: tuple[float, float] | None = Field(
        None,
        description="smallest and largest value; pixels beyond are missing. For several values that mean missing",
        json_schema_extra={"unit": "of the layer"},
    )
    quantity: Literal["ndsm", "building_height"] | None = Field(
        None,
        description="ndsm: what its heights are; building_height: known of buildings only, 0 elsewhere, which methods "
        "that predict all heights must not learn; null: ndsm",
    )
    shift_m: tuple[Shift, Shift] = Field(
        (0.0, 0.0),
        description="moves the layer east and north, to correct a known misregistration of at most 10 km",
    )
    height_column: str | None = Field(
        None,
        description="building polygons: column with their height, in `unit`; null: height_m, if it exists",
    )
    classes: Distinct[ClassValue] | Distinct[tuple[ClassValue, ClassValue, ClassValue]] | None = Field(
        None,
        description="masks made from a map of classes: values that belong to the mask, as [red, green, blue] in a map "
        "of colours; all others do not",
    )
    vertical: VerticalSystem | None = Field(
        None,
        description="vertical system of heights, `EPSG:…` or `ellipsoid`; null: as stated in the file, otherwise "
        "unrecorded",
    )
    cell: Cell | None = Field(
        None, description="heights: which of the points in a pixel it shows; null: unrecorded. Only for the record"
    )
    backscatter: Backscatter | None = Field(None, description="radar: scale of its values")
    look_azimuth_deg: float | None = Field(
        None, ge=0, lt=360, description="radar: direction from the ground to the sensor, clockwise from north"
    )


def of_polygons(name: str, layer: Layer) -> bool:
    """Return whether a layer is read from a vector file: outlines of buildings, or heights burnt from them."""
    kind = layer_of(name).kind
    return kind == "polygons" or (kind == "height" and layer.path.lower().endswith(VECTORS))


GRIDS = [name for name in INPUTS if name != VIEWS]  # a scene is on the grid of the first of them
_LAYERS = {
    name: (Layer | None, Field(default=None, description=layer.about))
    for name, layer in LAYERS.items()
    if name != VIEWS
}


@with_fields(_LAYERS)
class SceneLayers(Settings):
    """The layers of a scene; it needs one of eo, sar, ms, dsm_initial and is on the grid of the first of them."""

    views: list[Layer] = Field([], description=LAYERS[VIEWS].about)

    @model_validator(mode="after")
    def _has_an_input(self) -> "SceneLayers":
        if not any(map(self.get, GRIDS)):
            raise ValueError(f"a scene needs one of {', '.join(GRIDS)}; its grid is that of the first of them")
        return self

    def get(self, name: str) -> Layer | None:
        """Return a layer other than the views, None if the scene lacks it."""
        return getattr(self, name)

    def items(self) -> list[tuple[str, Layer]]:
        """Return name and layer of each layer of the scene; the first is the one whose grid the scene has."""
        found = [(name, layer) for name in _LAYERS if (layer := self.get(name)) is not None]
        return found + [(view_name(number), layer) for number, layer in enumerate(self.views, 1)]


class Pair(Settings):
    """Two views that are used together."""

    first: int = Field(ge=1, description="number of a view")
    second: int = Field(ge=1, description="number of another view")
    use: Distinct[Part] = Field(list(PARTS), description="parts of an experiment that use the pair")


def used_pairs(pairs: Sequence[Pair], part: str, views: Sequence[str], count: int) -> dict[int, list[int]]:
    """Return by pair number (from 1) the views that a method uses together in one part of an experiment.

    Args:
        pairs: the pairs of a scene, in order.
        part: train, val or test.
        views: `first` and `second`, or `first` alone: then pairs that share it count once.
        count: number of views of the scene; without pairs, each view counts for a method that uses a single one.
    """
    if not pairs and len(views) == 1:
        return {number: [number] for number in range(1, count + 1)}
    chosen: dict[int, list[int]] = {}
    for number, pair in enumerate(pairs, 1):
        numbers = [getattr(pair, view) for view in views]
        if part in pair.use and numbers not in chosen.values():
            chosen[number] = numbers
    return chosen


class SceneFile(Settings):
    """One scene of a dataset: delivered layers, or the settings from which they are generated."""

    city: CitySettings | None = Field(None, description="settings of a district of the synthetic city")
    land: LandSettings | None = Field(None, description="settings of a synthetic landscape")
    layers: SceneLayers = Field(
        default_factory=lambda given: _made(given).get("layers", {}), validate_default=True,
        description="the files; omitted in a synthetic scene, whose settings determine the files",
    )  # fmt: skip
    pairs: list[Pair] = Field(
        default_factory=lambda given: _made(given).get("pairs", []), validate_default=True,
        description="stereo pairs of the views; omitted in a synthetic scene, whose pairs are neighbouring views",
    )  # fmt: skip

    points: PointCloud | None = Field(
        None,
        description="point clouds from which the surface (dsm) is made instead of a raster of it, and the "
        "terrain (dtm) if there is none",
    )
    ground_filter: GroundFilter | None = Field(
        None,
        description="estimates the terrain (dtm) from the surface (dsm) if no terrain model was delivered, or from "
        "points of which none is classified as ground",
    )
    registration: Literal["shift", "field"] | None = Field(
        None,
        description="moves the image (eo) onto the heights by the offset that edges of both show: `shift`, one offset "
        "of the whole scene; `field`, one that varies slowly over it; null: the image stays where it is",
    )
    allow: Distinct[Literal["ground_level", "vertical_reference", "unit", "eight_bits"]] = Field(
        [],
        description="checks that are skipped for the scene: that the ground of dsm - dtm is near 0 m, that all "
        "heights refer to one vertical system, that a declared unit is that of the file, and that heights have more "
        "than 8 bits",
    )

    group: Name | None = Field(
        None,
        description="scenes of one group have the same role, and none is divided: they show the same area, e.g. at "
        "other times, or neighbouring chips whose place is not available",
    )

    @property
    def names(self) -> list[str]:
        """The layers that are delivered, estimated, or made from points."""
        there = [name for name, _ in self.layers.items()]
        made = (["dsm"] if self.points else []) + (["dtm"] if self.makes_terrain else [])
        return [*there, *made]

    @property
    def makes_terrain(self) -> bool:
        """Whether the terrain is estimated, or made from points."""
        return self.layers.get("dtm") is None and (self.points is not None or self.ground_filter is not None)

    @property
    def paths(self) -> list[str]:
        """The delivered files and folders, relative to that of the dataset."""
        return [layer.path for _, layer in self.layers.items()] + ([self.points.path] if self.points else [])

    @model_validator(mode="after")
    def _heights_have_one_origin(self) -> "SceneFile":
        surface, terrain = (self.layers.get(name) for name in ("dsm", "dtm"))
        if self.points and surface:
            raise ValueError("points: the dsm is made from them; remove the layer dsm, or the points")
        if self.ground_filter and (terrain or not (surface or self.points)):
            raise ValueError("ground_filter: needs a dsm or points, and no dtm; remove one of them")
        return self

    @model_validator(mode="after")
    def _registration_has_two_sides(self) -> "SceneFile":
        heights = "ndsm" in self.names or set(LAYERS["ndsm"].made_of) <= set(self.names)
        if self.registration and not (heights and self.layers.get("eo")):
            raise ValueError("registration: needs an image (eo) and heights above ground (ndsm, or dsm and dtm)")
        return self

    @model_validator(mode="after")
    def _pairs_are_of_views(self) -> "SceneFile":
        views = len(self.layers.views)
        for pair in self.pairs:
            if pair.first == pair.second or max(pair.first, pair.second) > views:
                raise ValueError(f"pairs: {pair.first} and {pair.second} are not two of the {views} views")
        return self


def _made(given: dict[str, Any]) -> dict[str, Any]:
    """Return the layers and pairs of a synthetic scene, which follow from its settings; empty for a delivered one."""
    settings = given["city"] or given["land"]
    return settings.delivered() if settings else {}


class TargetGrid(Settings):
    """The grid to which all layers are resampled; if omitted, the grid of the image."""

    crs: str | None = Field(None, description="EPSG code or WKT, in metres; null: that of the image")
    gsd_m: float | None = Field(
        None, ge=0.01, le=1000,
        description="ground sampling distance; null: that of the image. No overhead image is finer than 1 cm",
    )  # fmt: skip
    vertical: VerticalSystem | None = Field(
        None, description="vertical system to which all heights are converted, `EPSG:…` or `ellipsoid`; null: none"
    )


class About(Settings):
    """The origin of data, and what its heights refer to."""

    title: str = Field(description="title of the dataset in reports")
    source: str = Field(description="who made the data")
    licence: str = Field(description="licence under which the data may be used")
    vertical_reference: str = Field(description="datum and unit of the heights")


class Dataset(Named, About):
    """A dataset file: the origin of its scenes and their layers. Paths are relative to data/raw/<name>/."""

    citation: str = Field("", description="publication to cite")
    grid: TargetGrid = Field(TargetGrid(), description="grid to which all layers are resampled")
    scenes: dict[Name, SceneFile] = Field(min_length=1, description="by name")
