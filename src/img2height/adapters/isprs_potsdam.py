"""ISPRS Potsdam: aerial images, matched surface model and labels in 38 tiles of 300 m."""

from pathlib import Path

from img2height.importing import Adapter, Declared, Scene, gather

TILE = r"0*(?P<row>\d+)_0*(?P<column>\d+)"
PATTERNS = {
    "eo": rf"(?:.*/)?top_potsdam_{TILE}_RGBIR\.tif",
    "dsm": rf"(?:.*/)?dsm_potsdam_{TILE}\.tif",
    "ndsm": rf"(?:.*/)?ndsm_potsdam_{TILE}\.tif",
    "building": rf"(?:.*/)?top_potsdam_{TILE}_label\.tif",
}
LAYERS: Declared = {
    "eo": {"bands": ["red", "green", "blue", "nir"]},
    "dsm": {"unit": "metre"},
    "ndsm": {"unit": "metre"},
    "building": {"classes": [[0, 0, 255]]},
}
TESTED = {  # of the semantic labelling contest
    "2_13", "2_14", "3_13", "3_14", "4_13", "4_14", "4_15", "5_13", "5_14", "5_15", "6_13", "6_14", "6_15", "7_13",
}  # fmt: skip


def find(root: Path) -> dict[str, Scene]:
    """Return one scene per tile, with the roles of the contest."""
    tiles = {tile: files for found in gather(root, PATTERNS).values() for tile, files in found.items()}
    return {
        f"tile_{tile}": Scene(
            {tile: files}, LAYERS, "test" if tile in TESTED else "train", crs="EPSG:32633", ground_filter=True
        )
        for tile, files in tiles.items()
        if "eo" in files
    }


ADAPTER = Adapter(
    title="ISPRS Potsdam (aerial image and matched surface, 0.05 m)",
    source="ISPRS and BSF Swissphoto",
    licence="research only, no redistribution",
    citation="F. Rottensteiner et al., The ISPRS Benchmark on Urban Object Classification and 3D Building "
    "Reconstruction, 2012, https://doi.org/10.5194/isprsannals-I-3-293-2012",
    vertical_reference="unrecorded, metres",
    layout="4_Ortho_RGBIR/top_potsdam_<row>_<column>_RGBIR.tif\n1_DSM/dsm_potsdam_<0row>_<column>.tif\n"
    "5_Labels_all/top_potsdam_<row>_<column>_label.tif\nndsm/ndsm_potsdam_<row>_<column>.tif (your own, optional)",
    find=find,
    notes=(
        "1_DSM_normalisation is not read: its JPEGs have 8 bits without a stated scale, so they are not metres.",
        "Without a height above ground of your own, the terrain is estimated from the surface (ground_filter); papers "
        "that used other heights above ground cannot be compared.",
        "Label edges count; with the eroded labels (noBoundary) they would be missing.",
    ),
)
