"""The QGIS style of a layer of buildings: graduated by height, stored in the GeoPackage itself."""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pandas

NAME = "img2height: height"
MISSING_COLOUR, OUTLINE = "#bdbdbd", "#232323"
# Lower bounds in metres, one, two, three ... storeys and more, and eight colours of viridis,
# https://bids.github.io/colormap/, which keep their order in print and for colour-blind readers.
CLASSES = {
    0: "#440154",
    3: "#46327e",
    6: "#365c8d",
    9: "#277f8e",
    12: "#1fa187",
    18: "#4ac16d",
    30: "#a0da39",
    60: "#fde725",
}
HIGHEST_M = 1000
MISSING = -1  # stands for a missing height in the expression only, because QGIS does not draw what has no class
EXPRESSION = f'coalesce("height_m", {MISSING})'


def style_table(layer: str) -> pandas.DataFrame:
    """Return the row of the table `layer_styles` in which QGIS looks for the style of a layer when it opens a file.

    Args:
        layer: name of the layer of buildings; its geometry column is `geom`.
    """
    row = {
        "f_table_catalog": "",
        "f_table_schema": "",
        "f_table_name": layer,
        "f_geometry_column": "geom",
        "styleName": NAME,
        "styleQML": qml(),
        "styleSLD": "",
        "useAsDefault": True,
        "description": "height above ground in metres",
        "owner": "img2height",
        "ui": None,
        "update_time": pandas.Timestamp("2000-01-01", tz="UTC"),  # the same for all files, so that their bytes are too
    }
    return pandas.DataFrame([row]).astype({"ui": "str"})


def qml() -> str:
    """Return the style in the XML of QGIS: a fill colour for each class of heights."""
    root = ElementTree.Element("qgis", version="3.22", styleCategories="Symbology")
    renderer = ElementTree.SubElement(
        root, "renderer-v2", type="graduatedSymbol", attr=EXPRESSION, graduatedMethod="GraduatedColor"
    )
    ranges, symbols = (ElementTree.SubElement(renderer, name) for name in ("ranges", "symbols"))
    _add_class(ranges, symbols, MISSING, 0, "no height", MISSING_COLOUR)
    for (low, colour), high in zip(CLASSES.items(), [*list(CLASSES)[1:], HIGHEST_M], strict=True):
        label = f"over {low} m" if high == HIGHEST_M else f"{low} to {high} m"
        _add_class(ranges, symbols, low, high, label, colour)
    return ElementTree.tostring(root, encoding="unicode")


def _add_class(ranges: Element, symbols: Element, low: int, high: int, label: str, colour: str) -> None:
    """Add a range of heights and the symbol that shows it."""
    number = str(len(symbols))
    bounds = {"lower": str(low), "upper": str(high), "label": label}
    ElementTree.SubElement(ranges, "range", bounds, symbol=number, render="true")
    symbol = ElementTree.SubElement(symbols, "symbol", type="fill", name=number, alpha="1")
    layer = ElementTree.SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "pass": "0"})
    options = ElementTree.SubElement(layer, "Option", type="Map")
    look = {"color": colour, "style": "solid", "outline_color": OUTLINE, "outline_style": "solid"}
    for name, value in (look | {"outline_width": "0.15", "outline_width_unit": "MM"}).items():
        ElementTree.SubElement(options, "Option", name=name, type="QString", value=value)
