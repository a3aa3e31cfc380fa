"""Netherlands: AHN surface and terrain and the orthophoto of PDOK, https://www.ahn.nl."""

from img2height.importing import Adapter, Declared, by_patterns

PATTERNS = {
    "eo": r"(?:.*/)?(?P<tile>[^/]*ortho[^/]*)\.tiff?",
    "dsm": r"(?:.*/)?(?:R_(?P<sheet>\w{4,6})|dsm_05m(?P<part>\w*))\.tiff?",
    "dtm": r"(?:.*/)?(?:M_(?P<sheet>\w{4,6})|dtm_05m(?P<part>\w*))\.tiff?",
    "points": r"(?:.*/)?C_(?P<cloud>\w{4,8})\.la[sz]",
    "building_polygons": r"(?:.*/)?(?:3d)?bag[^/]*\.gpkg",
}
PLAUSIBLE = [-50, 600]  # voids are 3.4e38; the land lies between -7 and 323 m
LAYERS: Declared = {
    "eo": {"bands": ["red", "green", "blue"]},
    "dsm": {"unit": "metre", "valid_range": PLAUSIBLE},
    "dtm": {"unit": "metre", "valid_range": PLAUSIBLE, "cell": "mean"},
    "points": {"unit": "metre"},
    "building_polygons": {},
}


ADAPTER = Adapter(
    title="Netherlands (PDOK orthophoto and AHN, 0.5 m)",
    source="Kadaster and Het Waterschapshuis (PDOK)",
    licence="CC BY 4.0 (orthophoto), CC0 (AHN)",
    vertical_reference="NAP, metres",
    layout="*ortho*.tif\nR_<sheet>.tif or dsm_05m*.tif\nM_<sheet>.tif or dtm_05m*.tif\n"
    "C_<sheet>.LAZ (instead of them)\nbag*.gpkg (optional)",
    find=by_patterns(PATTERNS, LAYERS, whole="netherlands", crs="EPSG:28992"),
    gsd_m=0.5,
    notes=(
        "The terrain has holes under buildings and at water; they are filled and marked in dtm_filled.",
        "The surface shows the highest point of a cell since AHN5 (declare cell: max), a weighted mean before.",
        "Compare the years of image and heights.",
    ),
)
