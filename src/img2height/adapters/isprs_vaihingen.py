"""ISPRS Vaihingen: false-colour aerial images, matched surface model and labels in 33 areas."""

from pathlib import Path

from img2height.importing import Adapter, Declared, Scene, gather

PATTERNS = {
    "eo": r"(?:.*/)?top/top_mosaic_09cm_area(?P<area>\d+)\.tif",
    "dsm": r"(?:.*/)?dsm/dsm_09cm_matching_area(?P<area>\d+)\.tif",
    "ndsm": r"(?:.*/)?ndsm/ndsm_09cm_matching_area(?P<area>\d+)\.tif",
    "building": r"(?:.*/)?gts[^/]*/top_mosaic_09cm_area(?P<area>\d+)\.tif",
}
LAYERS: Declared = {
    "eo": {"bands": ["nir", "red", "green"]},
    "dsm": {"unit": "metre"},
    "ndsm": {"unit": "metre"},
    "building": {"classes": [[0, 0, 255]]},
}
TRAINED = {1, 3, 5, 7, 11, 13, 15, 17, 21, 23, 26, 28, 30, 32, 34, 37}  # of the semantic labelling contest


def find(root: Path) -> dict[str, Scene]:
    """Return one scene per area, with the roles of the contest."""
    areas = {area: files for found in gather(root, PATTERNS).values() for area, files in found.items()}
    return {
        f"area_{area}": Scene(
            {area: files}, LAYERS, "train" if int(area) in TRAINED else "test", crs="EPSG:32632", ground_filter=True
        )
        for area, files in areas.items()
        if "eo" in files
    }


ADAPTER = Adapter(
    title="ISPRS Vaihingen (false-colour aerial image and matched surface, 0.09 m)",
    source="ISPRS and DGPF",
    licence="research only, no redistribution",
    citation="F. Rottensteiner et al., The ISPRS Benchmark on Urban Object Classification and 3D Building "
    "Reconstruction, 2012, https://doi.org/10.5194/isprsannals-I-3-293-2012",
    vertical_reference="unrecorded, metres",
    layout="top/top_mosaic_09cm_area<n>.tif\ndsm/dsm_09cm_matching_area<n>.tif\ndsm/dsm_09cm_matching_area<n>.tfw\n"
    "gts_for_participants/top_mosaic_09cm_area<n>.tif\nndsm/ndsm_09cm_matching_area<n>.tif (your own, optional)",
    find=find,
    notes=(
        "Put the world files (.tfw, from Vaihingen_dsm_tiles_geoinfo.zip) next to the surface models.",
        "Without a height above ground of your own, the terrain is estimated from the surface (ground_filter); the "
        "errors that papers report are of several other ones.",
    ),
)
