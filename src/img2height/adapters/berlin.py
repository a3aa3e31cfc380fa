"""Berlin: orthophotos and height grids, https://gdi.berlin.de."""

from img2height.importing import Adapter, Declared, by_patterns

PATTERNS = {
    "eo": r"(?:.*/)?dop20rgbi_33_(?P<tile>\d{3}_\d{4})_2_be_\d{4}\.(?:jp2|tif)",
    "dsm": r"(?:.*/)?b?DOM1_(?:33_?)?(?P<tile>\d{3}_\d{4})[^/]*\.(?:xyz|txt|tif)",
    "dtm": r"(?:.*/)?DGM1_(?:33_?)?(?P<tile>\d{3}_\d{4})[^/]*\.(?:xyz|txt|tif)",
}
LAYERS: Declared = {
    "eo": {"bands": ["red", "green", "blue", "nir"]},
    "dsm": {"unit": "metre"},
    "dtm": {"unit": "metre", "cell": "interpolated"},
}


ADAPTER = Adapter(
    title="Berlin (DOP20 and DOM1, 0.5 m)",
    source="Senatsverwaltung für Stadtentwicklung, Bauen und Wohnen Berlin",
    licence="dl-de/zero-2-0; older products dl-de/by-2-0",
    vertical_reference="DHHN92 (products of 2021) or DHHN2016, metres",
    layout="dop20rgbi_33_<east>_<north>_2_be_<year>.jp2\n"
    "DOM1_<east>_<north>.txt or .xyz\nDGM1_<east>_<north>.txt or .xyz",
    find=by_patterns(PATTERNS, LAYERS, whole="berlin", crs="EPSG:25833"),
    gsd_m=0.5,
    notes=(
        "Unpack the archives. Text grids are read as they are, but slowly; gdal_translate converts them.",
        "Surface and terrain may refer to different height systems (2 cm apart); compare the years of the products.",
    ),
)
