"""Switzerland: SWISSIMAGE, swissSURFACE3D and swissALTI3D, https://www.swisstopo.admin.ch."""

from img2height.importing import Adapter, Declared, by_patterns

TILE = r"_\d{4}_(?P<tile>\d{4}-\d{4})_[\d.]+_2056"
PATTERNS = {
    "eo": rf"(?:.*/)?swissimage-dop10{TILE}\.tif",
    "dsm": rf"(?:.*/)?swisssurface3d-raster{TILE}_5728\.tif",
    "dtm": rf"(?:.*/)?swissalti3d{TILE}_5728\.tif",
    "points": r"(?:.*/)?swisssurface3d_\d{4}_(?P<tile>\d{4}-\d{4})_2056_5728\.la[sz]",
}
LAYERS: Declared = {
    "eo": {"bands": ["red", "green", "blue"]},
    "dsm": {"unit": "metre", "cell": "max"},
    "dtm": {"unit": "metre", "cell": "interpolated"},
    "points": {"unit": "metre"},
}


ADAPTER = Adapter(
    title="Switzerland (SWISSIMAGE and swissSURFACE3D, 0.5 m)",
    source="Federal Office of Topography swisstopo",
    licence="open government data, source: swisstopo",
    vertical_reference="LN02, metres",
    layout="swissimage-dop10_<year>_<east>-<north>_0.1_2056.tif\n"
    "swisssurface3d-raster_<year>_<east>-<north>_0.5_2056_5728.tif\n"
    "swissalti3d_<year>_<east>-<north>_0.5_2056_5728.tif\n"
    "swisssurface3d_<year>_<east>-<north>_2056_5728.las (instead of the surface raster)",
    find=by_patterns(PATTERNS, LAYERS, whole="switzerland", crs="EPSG:2056"),
    gsd_m=0.5,
    notes=("Compare the years of the products: they are flown separately.",),
)
