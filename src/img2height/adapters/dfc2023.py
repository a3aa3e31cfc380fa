"""IEEE data fusion contest 2023, track 2: satellite images and building heights of 17 cities."""

from pathlib import Path

from img2height.importing import Adapter, Declared, Scene, gather, in_sheets

NAME = r"(?P<scene>(?:GF2|SV)_[A-Za-z]+)_(?P<place>-?[\d.]+_-?[\d.]+)\.tif"
PATTERNS = {"eo": rf"(?:.*/)?train/rgb/{NAME}", "ndsm": rf"(?:.*/)?train/(?:dsm|height)/{NAME}"}
LAYERS: Declared = {"eo": {"bands": ["red", "green", "blue"]}, "ndsm": {"unit": "metre"}}
GSD_M = {"gf2": 0.8, "sv": 0.5}  # Gaofen-2, SuperView-1


def find(root: Path) -> dict[str, Scene]:
    """Return one sheet per sensor and city; the images of a city have one role."""
    found = {}
    for name, pieces in gather(root, PATTERNS).items():
        sensor, _, city = name.partition("_")
        for number, sheet in in_sheets(pieces):
            found[f"{name}_{number}"] = Scene(sheet, LAYERS, group=city, chip_gsd_m=GSD_M[sensor])
    return found


ADAPTER = Adapter(
    title="Data fusion contest 2023, track 2 (satellite images, 0.5 and 0.8 m)",
    source="IEEE GRSS, Aerospace Information Research Institute (CAS); images of SuperView-1 and Gaofen-2",
    licence="terms of the contest",
    citation="C. Persello et al., 2023 IEEE GRSS Data Fusion Contest, IEEE GRSM 2023",
    vertical_reference="heights above ground, metres",
    layout="train/rgb/{GF2,SV}_<City>_<lat>_<lon>.tif\ntrain/dsm/{GF2,SV}_<City>_<lat>_<lon>.tif",
    find=find,
    gsd_m=0.8,
    notes=(
        "The heights of validation and test images were not published; whole cities are held out instead.",
        "All images are averaged to the 0.8 m of Gaofen-2; a network has one pixel size.",
        "In 7 % of the published footprints the height is 0 m; the footprints (COCO JSON) are not read.",
        "The radar images are left out: the scale of their values is not stated.",
    ),
)
