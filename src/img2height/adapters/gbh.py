"""GBH, and other chips with lists of their parts: the format of HTC-DC Net, https://github.com/zhu-xlab/HTC-DC-Net."""

from pathlib import Path
from typing import get_args

from img2height.errors import DataError
from img2height.importing import Adapter, Declared, Scene, gather, in_sheets
from img2height.vocabulary.parts import Part

PATTERNS = {
    "eo": r"(?:.*/)?image/(?P<chip>[^/]+)_IMG\.tif",
    "ndsm": r"(?:.*/)?ndsm/(?P<chip>[^/]+)_AGL\.tif",
    "building": r"(?:.*/)?mask/(?P<chip>[^/]+)_BLG\.tif",
}
LAYERS: Declared = {"eo": {"bands": ["red", "green", "blue"]}, "ndsm": {"unit": "metre"}, "building": {}}
SPLIT = "split1+"
GSD_M = 3.0


def find(root: Path) -> dict[str, Scene]:
    """Return sheets of at most 256 chips of one part each, in the order of their names."""
    pieces = {chip: files for found in gather(root, PATTERNS).values() for chip, files in found.items()}
    if not pieces:
        return {}
    found = {}
    for part in get_args(Part):
        chips = {chip: pieces[chip] for chip in sorted(_listed(root, part)) if chip in pieces}
        for number, sheet in in_sheets(chips):
            found[f"{part}_{number:03}"] = Scene(sheet, LAYERS, part, chip_gsd_m=GSD_M)
    return found


def _listed(root: Path, part: str) -> list[str]:
    """Return the chips of a part."""
    lists = sorted(root.rglob(f"{SPLIT}/{part}.txt")) or sorted(root.rglob(f"{part}.txt"))
    if len(lists) != 1:
        names = ", ".join(map(str, lists)) or "none"
        raise DataError(f"{root}: expected one list {SPLIT}/{part}.txt of the chips of a part, found {names}")
    return lists[0].read_text(encoding="utf-8").split()


ADAPTER = Adapter(
    title="GBH (PlanetScope images, 3 m)",
    source="S. Chen et al.; images by Planet Labs",
    licence="not public",
    citation="S. Chen et al., HTC-DC Net: Monocular Height Estimation From Single Remote Sensing Images, "
    "IEEE TGRS 2023, https://doi.org/10.1109/TGRS.2023.3321255",
    vertical_reference="heights above ground, metres",
    layout="image/<chip>_IMG.tif\nndsm/<chip>_AGL.tif\nmask/<chip>_BLG.tif\nsplit1+/{train,val,test}.txt",
    find=find,
    notes=("Parts are those of the lists; neighbouring chips may lie in different parts.",),
)
