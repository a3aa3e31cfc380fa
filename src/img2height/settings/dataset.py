"""Dataset files as checked models: scenes, their layers as delivered, units and references."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from img2height.settings.base import Name, OneOf, Settings, with_fields
from img2height.settings.city import CitySettings
from img2height.settings.land import LandSettings
from img2height.vocabulary.layers import INPUTS, LAYERS, VIEWS, view_name
from img2height.vocabulary.parts import PARTS, Part
from img2height.vocabulary.units import METRES

Unit = Annotated[str, OneOf(METRES)]
Backscatter = Literal["decibel", "intensity", "amplitude"]


class Layer(Settings):
    """One layer of a scene as it was delivered.

    `layer` names the layer of a vector file that holds several.
    `shift_m` moves the layer by metres east and north, to mend a known misregistration. `height_column` names the
    column of building polygons that holds their height, in `unit`; left out, it is `height_m` where there is one.
    `backscatter` says how radar values are written, `look_azimuth_deg` from where it looked (from the ground to the
    sensor, clockwise from north).
    """

    path: str
    layer: str | None = None
    bands: list[Name] | None = None
    unit: Unit | None = None
    nodata: float | None = None
    shift_m: tuple[float, float] = (0.0, 0.0)
    height_column: str | None = None
    backscatter: Backscatter | None = None
    look_azimuth_deg: float | None = Field(default=None, ge=0, lt=360)


GRIDS = [name for name in INPUTS if name != VIEWS]  # a scene lies on the grid of the first of them
_LAYERS = {
    name: (Layer | None, Field(default=None, description=layer.about))
    for name, layer in LAYERS.items()
    if name != VIEWS
}


@with_fields(_LAYERS)
class SceneLayers(Settings):
    """The layers that a scene may have; `building_polygons` is a vector file, `views` are numbered from 1.

    `dsm_initial` may have holes: they are filled, and the filling is marked in `dsm_filled`. Where the holes were
    filled before delivery, `dsm_filled` is that mark.
    """

    views: list[Layer] = []

    @model_validator(mode="after")
    def _has_an_input(self) -> "SceneLayers":
        if not any(map(self.get, GRIDS)):
            raise ValueError(f"a scene needs one of {', '.join(GRIDS)}; it lies on the grid of the first of them")
        return self

    def get(self, name: str) -> Layer | None:
        """Return a layer other than the views, None where the scene lacks it."""
        return getattr(self, name)

    def items(self) -> list[tuple[str, Layer]]:
        """Return name and layer of each layer that is there; the first is the one whose grid the scene takes."""
        found = [(name, layer) for name in _LAYERS if (layer := self.get(name)) is not None]
        return found + [(view_name(number), layer) for number, layer in enumerate(self.views, 1)]


class Pair(Settings):
    """Two views that are looked at together, by their numbers, and the parts of an experiment that use them."""

    first: int = Field(ge=1)
    second: int = Field(ge=1)
    use: list[Part] = list(PARTS)


def used_pairs(pairs: Sequence[Pair], part: str, views: Sequence[str], count: int) -> dict[int, list[int]]:
    """Return by pair number (from 1) the views that a method looks at together in one part of an experiment.

    Args:
        pairs: of a scene, in their order.
        part: train, val or test.
        views: `first` and `second`, or `first` alone: then pairs that share it count once.
        count: number of views of the scene; where it has no pairs, each view counts for a method that looks at one.
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
    """One scene of a dataset: delivered layers, or the settings of the synthetic world that makes them."""

    layers: SceneLayers
    pairs: list[Pair] = []
    city: CitySettings | None = None
    land: LandSettings | None = None

    @model_validator(mode="before")
    @classmethod
    def _list_what_is_made(cls, value: dict) -> dict:
        """A synthetic scene says once what is made; its files follow from that."""
        for kind, settings in (("city", CitySettings), ("land", LandSettings)):
            if isinstance(value, dict) and value.get(kind) and "layers" not in value:
                return settings.model_validate(value[kind]).delivered() | value
        return value

    @model_validator(mode="after")
    def _pairs_are_of_views(self) -> "SceneFile":
        views = len(self.layers.views)
        for pair in self.pairs:
            if pair.first == pair.second or max(pair.first, pair.second) > views:
                raise ValueError(f"pairs: {pair.first} and {pair.second} are no two of the {views} views")
        return self


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
