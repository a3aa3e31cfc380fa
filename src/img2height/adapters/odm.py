"""OpenDroneMap: orthophoto and surface models of drone images, https://docs.opendronemap.org/outputs."""

from pathlib import Path

from img2height.importing import Adapter, Declared, Scene, gather

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


def find(root: Path) -> dict[str, Scene]:
    """Return one scene per project."""
    return {project: Scene(pieces, LAYERS) for project, pieces in gather(root, PATTERNS).items()}


ADAPTER = Adapter(
    title="Drone images (OpenDroneMap)",
    source="own flight, processed with OpenDroneMap",
    licence="unrecorded",
    citation="",
    vertical_reference="as the positions of the images or of the ground control points: ellipsoid or geoid, metres",
    layout="<project>/odm_orthophoto/odm_orthophoto.tif\n<project>/odm_dem/dsm.tif\n<project>/odm_dem/dtm.tif",
    find=find,
    notes=("Run OpenDroneMap with --dsm --dtm: heights above ground need both.",),
)
