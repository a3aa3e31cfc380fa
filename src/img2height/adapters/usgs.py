"""United States: NAIP images and the terrain of 3DEP, https://www.usgs.gov/3d-elevation-program."""

from img2height.importing import Adapter, Declared, by_patterns

PATTERNS = {
    "eo": r"(?:.*/)?m_(?P<quad>\d{7}_[a-z]{2}_\d{2})_\w+\.tif",
    "dtm": r"(?:.*/)?(?:USGS_(?:1M|one_meter)_(?P<tile>\w+)|S1M_(?P<part>\w+)|USGS_13_(?P<degree>\w+))\.tif",
    "dsm": r"(?:.*/)?dsm(?P<surface>\w*)\.tif",
}
LAYERS: Declared = {
    "eo": {"bands": ["red", "green", "blue", "nir"]},
    "dtm": {"unit": "metre", "cell": "interpolated"},
    "dsm": {"unit": "metre"},
}


ADAPTER = Adapter(
    title="United States (NAIP and 3DEP)",
    source="USDA (NAIP), USGS (3DEP)",
    licence="public domain",
    vertical_reference="NAVD88, metres",
    layout="m_<quad>_<quarter>_<zone>_<resolution>_<date>.tif\nUSGS_1M_<zone>_<tile>_<project>.tif, S1M_<tile>.tif or "
    "USGS_13_<tile>.tif\ndsm*.tif (your own, from the point clouds; optional)",
    find=by_patterns(PATTERNS, LAYERS, whole="place"),
    notes=(
        "3DEP rasters are bare earth: heights above ground need a surface made from the point clouds.",
        "Without one, methods learn the elevation of the terrain.",
        "Tiles are processed again under the same name: keep the files that you used.",
    ),
)
