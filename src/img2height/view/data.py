"""The data of the page: tiles, buildings and what the manifest lists of a scene."""

import json
import logging
from pathlib import Path
from typing import Any

import geopandas
import numpy as np

from img2height.colours import Scales
from img2height.io.display import Picture
from img2height.view.buildings import encoded_buildings, encoded_numbers, medians
from img2height.view.encoding import encoded_heights, encoded_picture
from img2height.view.frame import Frame
from img2height.view.sources import ABOVE_GROUND, Method, ShownScene
from img2height.view.tiles import HEIGHTS, PICTURE, Pyramid, Reader
from img2height.vocabulary.quantities import QUANTITIES, TERRAIN

logger = logging.getLogger(__name__)


class Chunks:
    """The data of the page: each value is a script that passes it to the function `received`.

    Args:
        folder: of the scripts.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def save(self, key: str, value: Any) -> None:
        """Write a value that can be JSON under a key, a path without suffix."""
        path = self.folder / f"{key}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
        path.write_text(f"received({json.dumps(key)},{text});\n", encoding="utf-8")


def write_scene(scene: ShownScene, key: str, chunks: Chunks) -> dict[str, Any]:
    """Write the data of a scene, and return what the manifest lists of it.

    Args:
        scene: open.
        key: of its data.
        chunks: the data of the page.
    """
    frame = scene.frame
    logger.info("%s: %d x %d px, %d height maps", scene.title, frame.grid.width, frame.grid.height, len(scene.methods))
    if scene.picture:
        _write_picture(scene.picture, frame, scene.refined, f"{key}/picture", chunks)
    overviews = {
        name: _write_heights(read, frame, f"{key}/reference{number}", chunks)
        for number, (name, read) in enumerate(scene.references.items())
    }
    terrain = QUANTITIES[TERRAIN].references
    above_ground = next((read for name, read in scene.references.items() if name not in terrain), None)
    if outlined := scene.footprints is not None and above_ground is not None:
        inside = medians(scene.footprints, frame.grid, above_ground)
        chunks.save(f"{key}/footprints", encoded_buildings(scene.footprints, frame.grid, {"reference": inside}))
    return {
        "name": scene.name, "title": scene.title, "about": dict(scene.about), "frame": frame.to_json(),
        "picture": {"refined": scene.refined, "bands": list(scene.picture.shown)} if scene.picture else None,
        "footprints": outlined,
        "methods": [
            _write_method(scene, method, f"{key}/method{number}", overviews, chunks)
            for number, method in enumerate(scene.methods)
        ],
    }  # fmt: skip


def _write_method(
    scene: ShownScene, method: Method, key: str, references: dict[str, np.ndarray], chunks: Chunks
) -> dict[str, Any]:
    """Write the heights and buildings of a method, and return what the manifest lists of it."""
    overview = _write_heights(method.read, scene.frame, key, chunks)
    scaled = references.get(method.reference, overview)
    scales = Scales.of(scaled[np.isfinite(scaled)], from_ground=method.quantity == ABOVE_GROUND)
    if method.buildings is not None:
        chunks.save(f"{key}/buildings", _buildings(method.buildings, scene, method))
    if scene.footprints is not None and references:
        inside = medians(scene.footprints, scene.frame.grid, method.read)
        chunks.save(f"{key}/footprints", encoded_numbers(inside))
    return {
        "name": method.name, "quantity": method.quantity, "buildings": method.buildings is not None,
        "reference": list(references).index(method.reference) if method.reference else None, "scales": vars(scales),
    }  # fmt: skip


def _write_picture(picture: Picture, frame: Frame, refined: int, key: str, chunks: Chunks) -> None:
    """Write the tiles of an image, whose pixels are those of the heights, halved `refined` times."""

    def save(name: str, tile: np.ndarray) -> None:
        chunks.save(f"{key}/{name}", encoded_picture(tile))

    Pyramid(frame.grid.width << refined, frame.grid.height << refined, PICTURE).write(picture.read, save)


def _write_heights(read: Reader, frame: Frame, key: str, chunks: Chunks) -> np.ndarray:
    """Write the tiles of heights, and return the one that shows the whole scene."""

    def save(name: str, tile: np.ndarray) -> None:
        chunks.save(f"{key}/{name}", encoded_heights(tile))

    return Pyramid(frame.grid.width, frame.grid.height, HEIGHTS).write(read, save)


def _buildings(table: geopandas.GeoDataFrame, scene: ShownScene, method: Method) -> dict[str, Any]:
    """Return the predicted buildings with their recorded height, or the median of the heights inside."""
    grid = scene.frame.grid
    if "height_m" in table:
        height = table["height_m"].to_numpy(np.float64, na_value=np.nan)
    else:
        height = medians(table, grid, method.read)
    reference = scene.references.get(method.reference)
    columns = {"height": height}
    if "area_m2" in table:
        columns["area"] = table["area_m2"].to_numpy(np.float64, na_value=np.nan)
    if reference:
        columns["reference"] = medians(table, grid, reference)
    return encoded_buildings(table, grid, columns)
