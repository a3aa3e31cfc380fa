"""France: BD ORTHO and the height rasters or point clouds of LiDAR HD, https://geoservices.ign.fr."""

from img2height.importing import Adapter, Declared, by_patterns

LIDAR = r"(?:.*/)?LHD_FXX_(?P<tile>\d{4}_\d{4})"
PATTERNS = {
    "eo": r"(?:.*/)?(?:[0-9ab]{2,3}-\d{4}-(?P<sheet>\d{4}-\d{4})-LA93-0M20-E\d+|(?P<ortho>[^/]*ortho[^/]*))"
    r"\.(?:jp2|tif)",
    "dsm": rf"{LIDAR}_MNS_.*\.tif",
    "dtm": rf"{LIDAR}_MNT_.*\.tif",
    "ndsm": rf"{LIDAR}_MNH_.*\.tif",
    "points": rf"{LIDAR}_PTS_.*\.la[sz]",
}
LAYERS: Declared = {
    "eo": {"bands": ["red", "green", "blue"]},
    "dsm": {"unit": "metre", "cell": "max"},
    "dtm": {"unit": "metre", "cell": "interpolated"},
    "ndsm": {"unit": "metre"},
    "points": {"unit": "metre", "left_out": [7, 18, 65]},  # 65: artefacts
}


ADAPTER = Adapter(
    title="France (BD ORTHO and LiDAR HD, 0.5 m)",
    source="IGN",
    licence="Etalab 2.0",
    vertical_reference="NGF-IGN69, metres",
    layout="<department>-<year>-<x>-<y>-LA93-0M20-E080.jp2\nLHD_FXX_<x>_<y>_{MNS,MNT,MNH}_O_0M50_LAMB93_IGN69.tif\n"
    "LHD_FXX_<x>_<y>_PTS_*.copc.laz (instead of MNS and MNT)",
    find=by_patterns(PATTERNS, LAYERS, whole="france", crs="EPSG:2154"),
    gsd_m=0.5,
    notes=(
        "Infrared images (IRC) have the same names: keep them in another folder.",
        "Compare the years of the products.",
    ),
)
