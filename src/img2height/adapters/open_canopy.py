"""Open-Canopy: SPOT images and canopy heights in France, https://huggingface.co/datasets/AI4Forest/Open-Canopy."""

from pathlib import Path

from img2height.importing import Adapter, Declared, Scene, gather

YEAR = r"(?:.*/)?canopy_height/"
PATTERNS = {
    "eo": rf"{YEAR}(?P<year>\d{{4}})/spot/compressed_pansharpened_(?P<place>[^/]+)\.tif",
    "ndsm": rf"{YEAR}(?P<year>\d{{4}})/lidar/compressed_lidar_(?P<place>[^/]+)\.tif",
    "forest": rf"{YEAR}(?P<year>\d{{4}})/lidar_classification/compressed_[^/]*?classification_(?P<place>[^/]+)\.tif",
}
LAYERS: Declared = {
    "eo": {"bands": ["red", "green", "blue", "nir"]},
    "ndsm": {"unit": "decimetre", "cell": "max"},
    "forest": {"classes": [5]},  # high vegetation
}
REGIONS = {"file": "{folder}/canopy_height/geometries.geojson", "column": "split"} | {
    part: [part] for part in ("train", "val", "test")
}


def find(root: Path) -> dict[str, Scene]:
    """Return one scene per image, divided by the published tiles."""
    pieces = {place: files for found in gather(root, PATTERNS).values() for place, files in found.items()}
    return {f"spot_{place.lower()}": Scene({place: files}, LAYERS) for place, files in pieces.items()}


ADAPTER = Adapter(
    title="Open-Canopy (SPOT 6/7 images and airborne LiDAR, 1.5 m)",
    source="F. Fogel et al., AI4Forest; images by Airbus (DINAMIS), LiDAR HD by IGN",
    licence="Etalab 2.0",
    citation="F. Fogel et al., Open-Canopy: Towards Very High Resolution Forest Monitoring, CVPR 2025, "
    "https://arxiv.org/abs/2407.09392",
    vertical_reference="heights above the nearest ground, decimetres in the files",
    layout="canopy_height/<year>/spot/compressed_pansharpened_<id>.tif\n"
    "canopy_height/<year>/lidar/compressed_lidar_<id>.tif\ncanopy_height/geometries.geojson",
    find=find,
    params={"split": {"strategy": "regions", "regions": REGIONS}},
    notes=(
        "The heights in the files are in decimetres, and are read as such.",
        "Training, validation and test areas are those of geometries.geojson; its buffers are not used.",
    ),
)
