"""ResDepth's data by its own configuration files: initial and reference surface models, views and pairs."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from img2height.errors import DataError
from img2height.importing import Adapter, Scene
from img2height.importing.matching import files_below
from img2height.vocabulary.layers import view_name
from img2height.vocabulary.parts import PARTS, Part

MASKS = {"mask_building": "building", "mask_water": "water", "mask_forest": "forest"}
LISTS: dict[str, list[Part]] = {
    "path_pairlist": list(PARTS), "path_pairlist_training": ["train"], "path_pairlist_validation": ["val"],
}  # fmt: skip


def find(root: Path) -> dict[str, Scene]:
    """Return one scene per initial surface model that a configuration (*.json) names."""
    found: dict[str, Scene] = {}
    for number, entry in enumerate(entry for file in _configurations(root) for entry in _entries(file)):
        name = Path(entry["raster_in"]).stem.lower().removesuffix("_initial").replace("-", "_")
        scene = _scene(root, entry)
        if name in found and found[name].pieces != scene.pieces:
            name = f"{name}_{number}"
        pairs = [*found[name].pairs, *(p for p in scene.pairs if p not in found[name].pairs)] if name in found else None
        found[name] = scene if pairs is None else Scene(**{**vars(scene), "pairs": pairs})
    return found


def _configurations(root: Path) -> list[Path]:
    return [path for path in files_below(root) if path.suffix == ".json"]


def _entries(file: Path) -> Iterator[Mapping[str, Any]]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: is not valid JSON ({error}); copy it again") from error
    entries = value.get("datasets", []) if isinstance(value, dict) else []
    yield from (entry for entry in entries if "raster_in" in entry)


def _scene(root: Path, entry: Mapping[str, Any]) -> Scene:
    files = {"dsm_initial": _there(root, entry["raster_in"])}
    if "raster_gt" in entry:
        files["dsm"] = _there(root, entry["raster_gt"])
    files |= {layer: _there(root, entry[key]) for key, layer in MASKS.items() if key in entry}
    views: list[Path] = []
    if "path_image_list" in entry:
        views = [_there(root, line) for line in _lines(root, entry["path_image_list"])]
    files |= {view_name(number): view for number, view in enumerate(views, start=1)}
    layers: dict[str, dict[str, Any]] = {layer: {"unit": "metre"} if "dsm" in layer else {} for layer in files}
    pairs = [
        pair for key, parts in LISTS.items() if key in entry for pair in _pairs(_lines(root, entry[key]), views, parts)
    ]
    return Scene({"all": files}, layers, pairs=pairs, ground_filter=True)


def _lines(root: Path, text: str) -> list[str]:
    return [line.strip() for line in _there(root, text).read_text(encoding="utf-8").splitlines() if line.strip()]


def _there(root: Path, text: str) -> Path:
    """Return a file named by a configuration: as its longest ending that exists below the folder."""
    parts = Path(text).parts
    for start in range(len(parts)):
        if (path := root.joinpath(*[part for part in parts[start:] if part not in ("/", ".", "..")])).is_file():
            return path
    raise DataError(f"{root}: contains no file {text}, which a configuration names; copy it there")


def _pairs(lines: list[str], views: list[Path], parts: list[Part]) -> Iterator[dict[str, Any]]:
    """Yield the pairs of a list, two file names per line, by the numbers of their views."""
    number = {view.stem: place for place, view in enumerate(views, start=1)}
    for line in lines:
        names = [Path(word).stem for word in line.replace(",", " ").split()]
        if len(names) != 2 or any(name not in number for name in names):
            raise DataError(f"a list of pairs has the line {line!r}; expected two images of the image list")
        yield {"first": number[names[0]], "second": number[names[1]], "use": parts}


ADAPTER = Adapter(
    title="ResDepth's data (stereo surface models and satellite views, 0.25 m)",
    source="C. Stucker and K. Schindler, ETH Zurich; images by Maxar, reference by the City of Zurich",
    licence="as delivered",
    citation="C. Stucker and K. Schindler, ResDepth: A Deep Residual Prior For 3D Reconstruction From High-Resolution "
    "Satellite Images, ISPRS Journal 2022, https://doi.org/10.1016/j.isprsjprs.2021.11.009",
    vertical_reference="unrecorded, metres",
    layout="*.json with datasets: [{raster_in, raster_gt, path_image_list, path_pairlist}]\n"
    "data/dsm/*.tif\ndata/satellite_views/*.tif",
    find=find,
    params={"split": {"strategy": "vertical_stripes", "n_folds": 5}},
    notes=("Terrain for scores above ground is estimated from the reference surface (ground_filter).",),
)
