"""US3D, track 1 of the IEEE data fusion contest 2019: satellite views and heights, https://doi.org/10.21227/c6tm-vw12."""

from pathlib import Path

from img2height.importing import Adapter, Declared, Scene, gather

PLACE = r"(?:.*/)?(?P<scene>(?:JAX|OMA)_\d{3})_(?P<view>\d{3})"
PATTERNS = {
    "eo": rf"{PLACE}_RGB\.tif",
    "ndsm": rf"{PLACE}_AGL\.tif",
    "building": rf"{PLACE}_CLS\.tif",
    "water": rf"{PLACE}_CLS\.tif",
    "forest": rf"{PLACE}_CLS\.tif",
}
UNLABELLED = 65
LAYERS: Declared = {
    "eo": {"bands": ["red", "green", "blue"], "nodata": 0},
    "ndsm": {"unit": "metre"},
    "building": {"classes": [6], "nodata": UNLABELLED},
    "water": {"classes": [9], "nodata": UNLABELLED},
    "forest": {"classes": [5], "nodata": UNLABELLED},
}
GSD_M = 0.32  # measured on sports fields: 0.31 m in Jacksonville, 0.34 m in Omaha; views differ by a tenth


def find(root: Path) -> dict[str, Scene]:
    """Return one sheet per location; its up to 43 views show the same area."""
    return {
        place: Scene(_with_heights(pieces), LAYERS, group=place, chip_gsd_m=GSD_M)
        for place, pieces in gather(root, PATTERNS).items()
        if _with_heights(pieces)
    }


def _with_heights(pieces: dict[str, dict[str, Path]]) -> dict[str, dict[str, Path]]:
    return {view: files for view, files in pieces.items() if {"eo", "ndsm"} <= files.keys()}


ADAPTER = Adapter(
    title="US3D (data fusion contest 2019, track 1: satellite views, 0.32 m)",
    source="IEEE GRSS, JHU/APL and IARPA; images by Maxar",
    licence="CC BY 4.0",
    citation="M. Bosch et al., Semantic Stereo for Incidental Satellite Images, WACV 2019, "
    "https://doi.org/10.1109/WACV.2019.00167",
    vertical_reference="heights above ground, metres",
    layout="Track1-RGB/{JAX,OMA}_<location>_<view>_RGB.tif\nTrack1-Truth/{JAX,OMA}_<location>_<view>_AGL.tif\n"
    "Track1-Truth/{JAX,OMA}_<location>_<view>_CLS.tif",
    find=find,
    notes=(
        "Images are not orthorectified: heights lie where the view shows them, and pixel sizes are approximate.",
        "Only the training files have heights; all views of a location have one role.",
        "The surface models of track 3 are ellipsoidal (WGS 84) and are not read.",
    ),
)
