"""A prepared scene on disk: one grid, its layers, and a manifest that describes them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rasterio.errors import CRSError

from img2height.errors import DataError
from img2height.io.atomic import file_digest
from img2height.io.grid import Grid
from img2height.io.tables import read_json, write_json
from img2height.vocabulary.layers import PICTURES, VIEWS, view_name


@dataclass(frozen=True)
class SceneLayer:
    """One layer of a scene.

    Attributes:
        file: name inside the scene's folder.
        sha256: digest of that file; empty for a given raster, which has no manifest.
        bands: the name of each band, in order; empty for vector layers.
        unit: unit of the values, empty if there is none.
        look_azimuth_deg: of a radar layer, from the ground to the sensor, clockwise from north; None if not declared.
        applied: what preparation applied from the file: scales and offsets, metres per unit, vertical system.
    """

    file: str
    sha256: str
    bands: list[str] = field(default_factory=list)
    unit: str = ""
    look_azimuth_deg: float | None = None
    applied: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, path: Path, bands: Sequence[str] = (), unit: str = "", look_azimuth_deg: float | None = None,
        applied: Mapping[str, Any] = MappingProxyType({}),
    ) -> "SceneLayer":  # fmt: skip
        """Return the layer of a file in the folder of its scene, with its digest."""
        return cls(path.name, file_digest(path), list(bands), unit, look_azimuth_deg, dict(applied))


@dataclass(frozen=True)
class Scene:
    """A prepared scene.

    Attributes:
        folder: folder of the layers.
        dataset: name of its dataset.
        name: name of the scene.
        grid: the one grid of all raster layers.
        layers: by name: eo, sar, ms, dsm_initial, dsm_filled, view_<number>, dsm, dtm, ndsm, building, wall, water,
            forest; `buildings` are the reference footprints, `pairs` lists the pairs of views.
    """

    folder: Path
    dataset: str
    name: str
    grid: Grid
    layers: dict[str, SceneLayer]

    @property
    def picture(self) -> str:
        """Name of the display layer, which also defines the covered area."""
        names = (view_name(1) if layer == VIEWS else layer for layer in PICTURES)  # every scene has one of them
        return next(name for name in names if name in self.layers)

    @property
    def views(self) -> tuple[int, ...]:
        """Numbers of its views, from 1."""
        return tuple(number for number in range(1, len(self.layers) + 1) if view_name(number) in self.layers)

    def path(self, layer: str) -> Path:
        """Return the path of a layer whose content matches the manifest.

        A block that was truncated or altered on disk can often still be decoded, into other values.

        Raises:
            DataError: there is no such layer, or its file does not match the manifest.
        """
        path, sealed = self.folder / self._layer(layer).file, self._layer(layer).sha256
        if not path.exists() or (sealed and _digest_of(path, path.stat().st_mtime_ns) != sealed):
            raise DataError(
                f"{path}: is missing or differs from the file described by scene.json; it may be truncated or "
                "altered: delete the folder of the scene, so that it is prepared again"
            )
        return path

    def _layer(self, name: str) -> SceneLayer:
        if name not in self.layers:
            raise DataError(f"scene {self.dataset}/{self.name} has no layer {name!r}; it has {', '.join(self.layers)}")
        return self.layers[name]

    def check(self, layers: Iterable[str]) -> None:
        """Raise the error of `path` for these layers before hours of work, not when they are read.

        Args:
            layers: names; those that the scene does not have are skipped.
        """
        for layer in layers:
            if layer in self.layers:
                self.path(layer)

    def band_indexes(self, layer: str, bands: list[str]) -> list[int]:
        """Return the 1-based indexes of named bands of a layer."""
        there = self._layer(layer).bands
        if missing := [band for band in bands if band not in there]:
            raise DataError(
                f"scene {self.dataset}/{self.name}: layer {layer} has the bands {', '.join(there)}, "
                f"not {', '.join(missing)}; name the bands in the dataset file or choose others in the method file"
            )
        return [there.index(band) + 1 for band in bands]

    def save(self) -> Path:
        """Write the manifest scene.json into the scene's folder and return its path."""
        path = self.folder / "scene.json"
        write_json(
            {
                "dataset": self.dataset,
                "scene": self.name,
                "grid": self.grid.to_json(),
                "layers": {name: vars(layer) for name, layer in self.layers.items()},
            },
            path,
        )
        return path

    @classmethod
    def load(cls, manifest: str | Path) -> "Scene":
        """Return the scene described by a scene.json.

        Raises:
            DataError: it is missing, or not the manifest of a scene.
        """
        value = read_json(manifest)
        try:
            return cls(
                folder=Path(manifest).parent,
                dataset=value["dataset"],
                name=value["scene"],
                grid=Grid.from_json(value["grid"]),
                layers={name: SceneLayer(**layer) for name, layer in value["layers"].items()},
            )
        except (KeyError, TypeError, AttributeError, CRSError) as error:
            what = f"{type(error).__name__}: {error}"
            raise DataError(f"{manifest}: is not the manifest of a scene ({what}); prepare the scene again") from error


@cache
def _digest_of(path: Path, changed_ns: int) -> str:
    """Return the SHA-256 digest of a file, computed once even if a program reads many windows of it."""
    return file_digest(path)
