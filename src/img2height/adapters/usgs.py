"""United States: NAIP images, and the terrain and point clouds of 3DEP, https://www.usgs.gov/3d-elevation-program."""

from img2height.importing import Adapter, Declared, by_patterns

PATTERNS = {
    "eo": r"(?:.*/)?m_(?P<quad>\d{7}_[a-z]{2}_\d{2})_\w+\.tif",
    "dtm": r"(?:.*/)?(?:USGS_(?:1M|one_meter)_(?P<tile>\w+)|S1M_(?P<part>\w+)|USGS_13_(?P<degree>\w+))\.tif",
    "dsm": r"(?:.*/)?dsm(?P<surface>\w*)\.tif",
    "points": r"(?:.*/)?USGS_LPC_(?P<cloud>\w+)\.la[sz]",
}
LAYERS: Declared = {
    "eo": {"bands": ["red", "green", "blue", "nir"]},
    "dtm": {"unit": "metre", "cell": "interpolated"},
    "dsm": {"unit": "metre"},
    "points": {},
}


ADAPTER = Adapter(
    title="United States (NAIP and 3DEP)",
    source="USDA (NAIP), USGS (3DEP)",
    licence="public domain",
    vertical_reference="NAVD88, metres",
    layout="m_<quad>_<quarter>_<zone>_<resolution>_<date>.tif\nUSGS_1M_<zone>_<tile>_<project>.tif, S1M_<tile>.tif or "
    "USGS_13_<tile>.tif\nUSGS_LPC_<project>_<tile>.laz (optional)\ndsm*.tif (your own surface instead; optional)",
    find=by_patterns(PATTERNS, LAYERS, whole="place"),
    notes=(
        "3DEP rasters are bare earth: heights above ground need the point clouds (LPC), which become the surface.",
        "Without them, methods learn the elevation of the terrain.",
        "Points whose unit is not stated need --declare points.unit=metre, or foot, or us_survey_foot.",
        "Tiles are processed again under the same name: keep the files that you used.",
    ),
)
