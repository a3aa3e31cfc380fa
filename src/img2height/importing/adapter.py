"""The description of a kind of delivery: an adapter finds the scenes of a folder and declares what their files hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from img2height.vocabulary.parts import Role

if TYPE_CHECKING:
    from geopandas import GeoDataFrame  # the command line starts in half the time without it

Pieces = dict[str, dict[str, Path]]  # files by layer of each tile or chip, by its name
Declared = Mapping[str, Mapping[str, Any]]  # keys of a layer in a dataset file, by layer


@dataclass(frozen=True)
class Scene:
    """One scene as found in a folder.

    Attributes:
        pieces: its tiles, or its chips. A scene that was not cut has one. An image in one file per band has a layer
            `ms:red` for each.
        layers: what the files do not state themselves, by layer.
        role: part of an experiment to which it was assigned when the data were published, if it was.
        group: scenes of one group are never divided between parts, because they show the same area or are alike.
        chip_gsd_m: side of a pixel of chips that are laid side by side, because they have no place of their own or are
            scattered; None: each piece lies where its file says.
        crs: coordinate system of files that state none.
        pairs: of views, as in a dataset file.
        allow: checks that are skipped, as in a dataset file.
        polygons: returns a table of buildings that was not delivered as one vector file, for layers that declare
            `buildings: true`.
        ground_filter: whether the terrain is estimated from the surface if no terrain model is found.
    """

    pieces: Pieces
    layers: Declared
    role: Role | None = None
    group: str | None = None
    chip_gsd_m: float | None = None
    crs: str | None = None
    pairs: list[dict[str, Any]] = field(default_factory=list)
    allow: list[str] = field(default_factory=list)
    ground_filter: bool = False
    polygons: "Callable[[], GeoDataFrame] | None" = None


@dataclass(frozen=True)
class Adapter:
    """A kind of delivery.

    Attributes:
        title: of its datasets.
        source: who made the data.
        licence: under which the data may be used; for `folder` this is unrecorded.
        citation: the publication to cite; empty if there is none.
        vertical_reference: datum and unit of the heights.
        layout: what lies where in the folder, one pattern per line.
        find: returns the scenes of a folder by name.
        gsd_m: side of the pixels to which all layers are resampled; None: that of the image.
        params: what an experiment changes in params.yaml; {folder} in a text stands for the delivered folder.
        notes: what its users have to know, one sentence each.
    """

    title: str
    source: str
    licence: str
    vertical_reference: str
    layout: str
    find: Callable[[Path], dict[str, Scene]]
    citation: str = ""
    gsd_m: float | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
