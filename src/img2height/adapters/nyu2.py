"""NYU Depth V2 as pairs of indoor photos and depths, the data of the depth networks with pretrained encoders."""

import csv
from pathlib import Path

from img2height.errors import DataError
from img2height.importing import Adapter, Declared, Pieces, Scene, in_sheets
from img2height.importing.matching import as_name
from img2height.importing.mosaics import RATIO
from img2height.vocabulary.parts import Part

LISTS: dict[Part, str] = {"train": "nyu2_train.csv", "test": "nyu2_test.csv"}
DEPTH_M: dict[Part, float] = {"train": 10 / 255, "test": 1e-3}  # of one step: 8 bits for 10 m, 16 bits for millimetres
NOMINAL_GSD_M = 1.0  # a photo has no pixel size on the ground


def find(root: Path) -> dict[str, Scene]:
    """Return sheets of photos: of one room each in the training list, in its order in the test list."""
    found: dict[str, Scene] = {}
    for part, name in LISTS.items():
        for file in sorted(root.rglob(name)):
            rooms: dict[str, Pieces] = {}
            for photo, depth in _pairs(file):
                room = photo.parent.name if part == "train" else part
                rooms.setdefault(as_name(room), {})[photo.stem] = {"eo": photo, "ndsm": depth}
            for room, photos in rooms.items():
                for number, sheet in in_sheets(photos):
                    found[f"{room}_{number}"] = _scene(sheet, room, part)
    return found


def _scene(photos: Pieces, room: str, part: Part) -> Scene:
    layers: Declared = {"eo": {"bands": ["red", "green", "blue"]}, "ndsm": {"unit": "metre", RATIO: DEPTH_M[part]}}
    return Scene(photos, layers, part, room, NOMINAL_GSD_M)


def _pairs(file: Path) -> list[tuple[Path, Path]]:
    """Return photos and depths; the paths of the list begin with the folder of the list."""
    with file.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.reader(stream) if row]
    if wrong := [row for row in rows if len(row) != 2]:
        raise DataError(f"{file}: expected lines of two paths, photo and depth; found {','.join(wrong[0])}")
    return [(file.parent.parent / photo, file.parent.parent / depth) for photo, depth in rows]


ADAPTER = Adapter(
    title="NYU Depth V2 (indoor photos and depths)",
    source="N. Silberman et al., New York University; pairs prepared by I. Alhashim and P. Wonka",
    licence="research only",
    citation="N. Silberman et al., Indoor Segmentation and Support Inference from RGBD Images, ECCV 2012, "
    "https://doi.org/10.1007/978-3-642-33715-4_54",
    vertical_reference="distance from the camera, metres; not a height",
    layout="data/nyu2_train.csv\ndata/nyu2_train/<room>/<n>.jpg\ndata/nyu2_train/<room>/<n>.png\ndata/nyu2_test.csv",
    find=find,
    notes=(
        "Depths take the place of heights above ground; buildings and pixel sizes in metres have no meaning.",
        "Training depths have 8 bits, steps of 4 cm.",
    ),
)
