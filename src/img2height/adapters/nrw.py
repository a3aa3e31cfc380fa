"""North Rhine-Westphalia: orthophotos, terrain and heights above ground, https://www.opengeodata.nrw.de."""

from img2height.importing import Adapter, Declared, by_patterns

TILE = r"32_?(?P<tile>\d{3}_\d{4})_1_nw(?:_\d{4})?"
PATTERNS = {
    "eo": rf"(?:.*/)?dop10rgbi_{TILE}\.(?:jp2|tif)",
    "dtm": rf"(?:.*/)?dgm1_{TILE}\.tif",
    "dsm": rf"(?:.*/)?dom1_{TILE}\.tif",
    "ndsm": rf"(?:.*/)?ndom50_{TILE}\.tif",
}
LAYERS: Declared = {
    "eo": {"bands": ["red", "green", "blue", "nir"]},
    "dtm": {"unit": "metre", "cell": "interpolated"},
    "dsm": {"unit": "metre"},
    "ndsm": {"unit": "metre"},
}


ADAPTER = Adapter(
    title="North Rhine-Westphalia (DOP10 and nDOM50, 0.5 m)",
    source="Geobasis NRW",
    licence="dl-de/zero-2-0",
    vertical_reference="DHHN2016, metres",
    layout="dop10rgbi_32_<east>_<north>_1_nw_<year>.jp2\nndom50_32<east>_<north>_1_nw_<year>.tif\n"
    "dgm1_32_<east>_<north>_1_nw_<year>.tif\ndom1_32_<east>_<north>_1_nw_<year>.tif",
    find=by_patterns(PATTERNS, LAYERS, whole="nrw", crs="EPSG:25832"),
    gsd_m=0.5,
    notes=("Compare the years of image and heights.",),
)
