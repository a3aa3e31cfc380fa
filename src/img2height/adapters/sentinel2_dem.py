"""Sentinel-2 images and AW3D30 or SRTM terrain: the setting of the adversarial elevation network."""

from pathlib import Path

from img2height.importing import Adapter, Declared, Scene, gather

BANDS = {
    "blue": "B02", "green": "B03", "red": "B04", "re1": "B05", "re2": "B06", "re3": "B07", "nir": "B08", "nir08": "B8A",
    "swir16": "B11", "swir22": "B12",
}  # fmt: skip
FINE = ("B02", "B03", "B04", "B08")
IMAGES = {
    f"ms:{name}": rf"(?:.*/)?R{10 if band in FINE else 20}m/(?P<scene>T\w{{5}}_\d{{8}})T\d+_{band}_\d0m\.jp2"
    for name, band in BANDS.items()
}
TERRAIN = {
    "dtm": r"(?:.*/)?(?:(?P<aw3d>[NS]\d{3}[EW]\d{3})_AVE_DSM\.tif|ALPSMLC30_(?P<alps>[NS]\d{3}[EW]\d{3})_DSM\.tif"
    r"|(?P<srtm>[NS]\d{2}[EW]\d{3})\.(?:hgt|tif))"
}
LAYERS: Declared = {"ms": {"bands": list(BANDS), "nodata": 0}, "dtm": {"unit": "metre"}}


def find(root: Path) -> dict[str, Scene]:
    """Return one scene per Sentinel-2 tile and day, with all terrain tiles."""
    terrain = {place: files for found in gather(root, TERRAIN).values() for place, files in found.items()}
    return {name: Scene({**pieces, **terrain}, LAYERS) for name, pieces in gather(root, IMAGES).items()}


ADAPTER = Adapter(
    title="Sentinel-2 images and terrain (10 m)",
    source="Copernicus Sentinel-2; JAXA AW3D30 or NASA SRTM",
    licence="Copernicus free and open; terms of AW3D30; SRTM in the public domain",
    citation="E. Panagiotou et al., Generating Elevation Surface from a Single RGB Remotely Sensed Image Using Deep "
    "Learning, Remote Sensing 2020, https://doi.org/10.3390/rs12122002",
    vertical_reference="EGM96, metres",
    layout="GRANULE/*/IMG_DATA/R10m/<tile>_<time>_B04_10m.jp2\nGRANULE/*/IMG_DATA/R20m/<tile>_<time>_B11_20m.jp2\n"
    "ALPSMLC30_<place>_DSM.tif or <place>.hgt",
    find=find,
    notes=(
        "Bands of 20 m are repeated to 10 m. Values are as delivered (level 2A: reflectance times 10,000; from "
        "baseline 04.00 on, 1000 is added).",
        "AW3D30 and SRTM are surface models of 30 m, used here as terrain.",
    ),
)
