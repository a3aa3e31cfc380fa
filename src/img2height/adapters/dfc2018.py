"""Houston, IEEE data fusion contest 2018: aerial image and airborne LiDAR, https://doi.org/10.21227/jnh9-nz89."""

from img2height.importing import Adapter, Declared, by_patterns

PATTERNS = {
    "eo": r"(?:.*/)?UH_NAD83_(?P<tile>\d+_\d+)\.tif",
    "dsm": r"(?:.*/)?UH17c_GEF051(?:_TR)?\.tif",
    "dtm": r"(?:.*/)?UH17_GEG051(?:_TR)?\.tif",
}
PLAUSIBLE = [-100, 300]  # voids are huge numbers; the highest roof of the campus is far lower
LAYERS: Declared = {
    "eo": {"bands": ["red", "green", "blue"]},
    "dsm": {"unit": "metre", "valid_range": PLAUSIBLE, "cell": "max"},
    "dtm": {"unit": "metre", "valid_range": PLAUSIBLE, "cell": "interpolated"},
}


ADAPTER = Adapter(
    title="Houston (data fusion contest 2018: aerial image and airborne LiDAR, 0.5 m)",
    source="IEEE GRSS and the University of Houston (NCALM)",
    licence="CC BY 4.0",
    citation="Y. Xu et al., Advanced Multi-Sensor Optical Remote Sensing for Urban Land Use and Land Cover "
    "Classification, IEEE JSTARS 2019, https://doi.org/10.1109/JSTARS.2019.2911113",
    vertical_reference="unrecorded, metres",
    layout="Final RGB HR Imagery/UH_NAD83_<east>_<north>.tif\nLidar GeoTiff Rasters/DSM_C12/UH17c_GEF051.tif\n"
    "Lidar GeoTiff Rasters/DEM_C123_3msr/UH17_GEG051.tif",
    find=by_patterns(PATTERNS, LAYERS, whole="houston", crs="EPSG:26915"),
    gsd_m=0.5,
    notes=(
        "The image of 0.05 m is averaged to the 0.5 m of the heights.",
        "The LiDAR rasters of phase 1 end in _TR and cover the training area only.",
    ),
)
