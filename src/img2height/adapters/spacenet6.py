"""SpaceNet 6: radar, image and building heights in Rotterdam, https://spacenet.ai/sn6-challenge."""

from functools import partial
from pathlib import Path

import geopandas
import pandas

from img2height.errors import DataError
from img2height.importing import Adapter, Pieces, Scene, gather
from img2height.importing.matching import files_below

NAME = r"(?P<scene>\d{14}_\d{14})_tile_(?P<tile>\d+)"
PATTERNS = {
    "eo": rf"(?:.*/)?SN6_Train_AOI_11_Rotterdam_PS-RGBNIR_{NAME}\.tif",
    "sar": rf"(?:.*/)?SN6_Train_AOI_11_Rotterdam_SAR-Intensity_{NAME}\.tif",
    "building_polygons": rf"(?:.*/)?SN6_Train_AOI_11_Rotterdam_Buildings_{NAME}\.geojson",
}
SUMMARY = "SN6_Train_AOI_11_Rotterdam_Buildings.csv"
LOOK_DEG = {"0": 0.0, "1": 180.0}  # seen from the north, from the south
COLUMNS = ["ImageId", "TileBuildingId", "Median_Building_Height"]


def find(root: Path) -> dict[str, Scene]:
    """Return one scene per strip; strips overlap and are kept together where they are divided."""
    strips, looks = gather(root, PATTERNS), _looks(root)
    heights = _heights(root) if strips else pandas.DataFrame(columns=COLUMNS)
    return {f"strip_{name}": _scene(name, pieces, looks.get(name), heights) for name, pieces in strips.items()}


def _scene(name: str, pieces: Pieces, look_deg: float | None, heights: pandas.DataFrame) -> Scene:
    look = {"look_azimuth_deg": look_deg} if look_deg is not None else {}
    built = {"height_column": "height", "unit": "metre", "buildings": True}
    layers = {
        "eo": {"bands": ["red", "green", "blue", "nir"], "nodata": 0},
        "sar": {"bands": ["hh", "hv", "vh", "vv"], "backscatter": "decibel", "nodata": 0, **look},
        "building_polygons": built,
        "ndsm": {**built, "quantity": "building_height"},
    }
    return Scene(pieces, layers, polygons=partial(_buildings, name, pieces, heights))


def _buildings(strip: str, pieces: Pieces, heights: pandas.DataFrame) -> geopandas.GeoDataFrame:
    """Return the buildings of a strip with their median height in metres."""
    tables = []
    for tile, files in pieces.items():
        if "building_polygons" not in files:
            continue
        outlines = geopandas.read_file(files["building_polygons"])
        if len(outlines):
            own = heights[heights["ImageId"] == f"{strip}_tile_{tile}"]
            tables.append(outlines.merge(own[COLUMNS[1:]], on="TileBuildingId", how="left"))
    if not tables:
        raise DataError(f"strip {strip}: contains no building; leave it out")
    found = geopandas.GeoDataFrame(pandas.concat(tables, ignore_index=True), crs=tables[0].crs)
    return found.rename(columns={COLUMNS[2]: "height"})[["height", "geometry"]]


def _heights(root: Path) -> pandas.DataFrame:
    """Return the heights of all buildings."""
    files = [path for path in files_below(root) if path.name == "SN6_Train_AOI_11_Rotterdam_Buildings.csv"]
    if len(files) != 1:
        raise DataError(
            f"{root}: expected one SummaryData/SN6_Train_AOI_11_Rotterdam_Buildings.csv, found {len(files)}"
        )
    return pandas.read_csv(files[0], usecols=COLUMNS)


def _looks(root: Path) -> dict[str, float]:
    """Return the direction to the sensor by strip, clockwise from north."""
    lines = [
        line.split()
        for path in files_below(root)
        if path.name == "SAR_orientations.txt"
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    return {strip: LOOK_DEG[side] for strip, side in lines}


ADAPTER = Adapter(
    title="SpaceNet 6 (radar and image of Rotterdam, 0.5 m)",
    source="SpaceNet; Capella Space (radar), Maxar (image), heights from the Dutch elevation model",
    licence="CC BY-SA 4.0",
    citation="J. Shermeyer et al., SpaceNet 6: Multi-Sensor All Weather Mapping Dataset, CVPR workshops 2020, "
    "https://arxiv.org/abs/2004.06500",
    vertical_reference="median heights of buildings above ground, metres",
    layout="PS-RGBNIR/SN6_Train_AOI_11_Rotterdam_PS-RGBNIR_<strip>_tile_<n>.tif\n"
    "SAR-Intensity/SN6_Train_AOI_11_Rotterdam_SAR-Intensity_<strip>_tile_<n>.tif\n"
    "geojson_buildings/SN6_Train_AOI_11_Rotterdam_Buildings_<strip>_tile_<n>.geojson\n"
    "SummaryData/SN6_Train_AOI_11_Rotterdam_Buildings.csv\nSummaryData/SAR_orientations.txt",
    find=find,
    notes=(
        "There is no height per pixel: the reference is the median height of each building, 0 m elsewhere.",
        "The radar images lean; rotations and mirrors that would turn their look direction are not drawn.",
    ),
)
