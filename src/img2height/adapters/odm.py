"""OpenDroneMap: orthophoto and surface models of drone images, https://docs.opendronemap.org/outputs."""

from img2height.importing import Adapter, Declared, by_patterns

PROJECT = r"(?:(?:.*/)?(?P<scene>[^/]+)/)?"
PATTERNS = {
    "eo": rf"{PROJECT}odm_orthophoto/odm_orthophoto\.tif",
    "dsm": rf"{PROJECT}odm_dem/dsm\.tif",
    "dtm": rf"{PROJECT}odm_dem/dtm\.tif",
}
LAYERS: Declared = {
    "eo": {"bands": ["red", "green", "blue"]},
    "dsm": {"unit": "metre", "cell": "max"},
    "dtm": {"unit": "metre", "cell": "interpolated"},
}


ADAPTER = Adapter(
    title="Drone images (OpenDroneMap)",
    source="own flight, processed with OpenDroneMap",
    licence="unrecorded",
    citation="",
    vertical_reference="as the positions of the images or of the ground control points: ellipsoid or geoid, metres",
    layout="<project>/odm_orthophoto/odm_orthophoto.tif\n<project>/odm_dem/dsm.tif\n<project>/odm_dem/dtm.tif",
    find=by_patterns(PATTERNS, LAYERS),
    notes=("Run OpenDroneMap with --dsm --dtm: heights above ground need both.",),
)
