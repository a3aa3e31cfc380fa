"""Figures as images of the page and as PNG files."""

from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from img2height.report.figures.drawing import DPI, data_uri, drawn, png, webp


@dataclass(frozen=True)
class Picture:
    """One image of the page: caption, alternative text, data URI, and size in pixels."""

    caption: str
    alt: str
    uri: str
    width: int
    height: int


def photo(figure: Figure, path: Path, caption: str, kind: str) -> Picture:
    """Return a figure of scene pixels as a picture of the page, and write it as a PNG file."""
    pixels = drawn(figure)
    path.write_bytes(png(pixels))
    return _picture(figure, caption, kind, data_uri(webp(pixels), "webp"))


def chart(figure: Figure, caption: str, kind: str) -> Picture:
    """Return a chart as a picture of the page."""
    return _picture(figure, caption, kind, data_uri(png(drawn(figure)), "png"))


def _picture(figure: Figure, caption: str, kind: str, uri: str) -> Picture:
    width, height = (round(side) for side in figure.get_size_inches() * DPI)
    return Picture(caption, f"{kind.capitalize()}: {caption}", uri, width, height)
