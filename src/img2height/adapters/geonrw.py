"""GeoNRW: aerial images, surface models and land cover of 43 cities, Baier et al. (2021), https://doi.org/10.21227/s5xq-b822."""

from pathlib import Path

from img2height.importing import Adapter, Declared, Scene, gather
from img2height.vocabulary.parts import Role

TESTED = ("duesseldorf", "herne", "neuss")
TILE = r"(?:.*/)?(?P<scene>[a-z]+)/(?P<tile>\d+_\d+)"
PATTERNS = {
    "eo": rf"{TILE}_rgb\.jp2",
    "dsm": rf"{TILE}_dem\.tif",
    "building": rf"{TILE}_seg\.tif",
    "dtm": r"(?:.*/)?dgm1_32_(?P<tile>\d+_\d+)_1_nw(?:_\d+)?\.tif",
}
LAYERS: Declared = {
    "eo": {"bands": ["red", "green", "blue"]},
    "dsm": {"unit": "metre"},
    "dtm": {"unit": "metre", "cell": "interpolated"},
    "building": {"classes": [10]},
}


def find(root: Path) -> dict[str, Scene]:
    """Return one scene per city; its tiles touch each other."""
    return {city: Scene(pieces, LAYERS, role=_role(city)) for city, pieces in gather(root, PATTERNS).items()}


def _role(city: str) -> Role:
    return "test" if city in TESTED else "train"


ADAPTER = Adapter(
    title="GeoNRW (aerial image and surface model, 1 m)",
    source="Geobasis NRW, prepared by Baier et al.",
    licence="CC BY 4.0",
    citation="G. Baier et al., Synthesizing optical and SAR imagery from land cover maps and auxiliary raster data, "
    "IEEE TGRS 2021, https://doi.org/10.1109/TGRS.2021.3068532",
    vertical_reference="DHHN2016, metres",
    layout="<city>/<east>_<north>_rgb.jp2\n<city>/<east>_<north>_dem.tif\n<city>/<east>_<north>_seg.tif\n"
    "dgm1/dgm1_32_<east>_<north>_1_nw_<year>.tif",
    find=find,
    notes=(
        "dem is a surface model; heights above ground need the terrain model DGM1 of the same tiles.",
        "The radar images are left out: the scale of their values is not stated.",
    ),
)
