"""The layers of found scenes as a dataset file names them: single files as they are, others as mosaics."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas

from img2height.errors import DataError
from img2height.importing.adapter import Scene
from img2height.importing.laying import Chip, Laid, Sheet, lay_out, on_the_ice, on_the_map, sheet_parts
from img2height.io.vrt import write_mosaic
from img2height.vocabulary.layers import LAYERS

RATIO = "ratio"  # of a layer of an adapter: number by which the stored values are multiplied
Layers = dict[str, dict[str, Any]]  # keys of a dataset file, by layer


@dataclass(frozen=True)
class Delivery:
    """A delivery seen from the folder of its dataset.

    Attributes:
        root: the delivered folder.
        inside: the same folder, as a path below that of the dataset.
        folder: of the dataset, to which the paths of the dataset file are relative.
    """

    root: Path
    inside: Path
    folder: Path

    def seen(self, file: Path) -> Path:
        """Return the path of a delivered file below the folder of the dataset."""
        return self.inside / file.relative_to(self.root)


def write_mosaics(dataset: str, scenes: Mapping[str, Scene], delivery: Delivery, made: Path) -> dict[str, Layers]:
    """Write the mosaics of all scenes, and a table of their chips; return the layers by scene.

    Args:
        dataset: its name.
        scenes: by name.
        delivery: where the files lie.
        made: folder of the mosaics, below that of the dataset.

    Raises:
        DataError: the files of a layer do not fit together.
    """
    sizes = {name: scene.chip_gsd_m for name, scene in scenes.items() if scene.chip_gsd_m}
    sheets = {name: lay_out(scenes[name].pieces) for name in sizes}
    grids = on_the_ice(dataset, sheets, sizes)
    if sheets:
        _list_chips(sheets).to_csv(made / "chips.csv", index=False)
    found: dict[str, Layers] = {}
    for name, scene in scenes.items():
        found[name] = {}
        for layer, declared in scene.layers.items():
            files = [there[layer] for there in scene.pieces.values() if layer in there]
            if not files:
                continue
            if name in sheets:
                laid: Laid | None = Laid(grids[name], sheet_parts(sheets[name], scene.pieces, layer))
            else:
                laid = _laid_on_the_map(f"{name}, layer {layer}", layer, files, scene, declared)
            path = delivery.seen(files[0])
            if laid:
                path = made / f"{name}_{layer}.vrt"
                parts = [part._replace(path=delivery.seen(part.path)) for part in laid.parts]
                write_mosaic(path, laid.grid, parts, nodata=declared.get("nodata"), ratio=declared.get(RATIO))
            keys = {key: value for key, value in declared.items() if key != RATIO}
            found[name][layer] = {"path": path.relative_to(delivery.folder).as_posix(), **keys}
    return found


def _laid_on_the_map(
    where: str, layer: str, files: list[Path], scene: Scene, declared: Mapping[str, Any]
) -> Laid | None:
    """Return the files of a layer on one grid; None for a single file that can be read as it is."""
    if layer in LAYERS and LAYERS[layer].kind == "polygons":
        if len(files) > 1:
            raise DataError(f"scene {where}: {len(files)} vector files, e.g. {files[0]}; merge them into one")
        return None
    return on_the_map(files, scene.crs) if len(files) > 1 or scene.crs or RATIO in declared else None


def _list_chips(sheets: Mapping[str, Sheet]) -> pandas.DataFrame:
    rows = [(scene, *chip) for scene, sheet in sheets.items() for chip in sheet.chips]
    return pandas.DataFrame(rows, columns=["scene", *Chip._fields])
