"""The data-quality page: one HTML file with the verdict of each check, what to do, and maps of each scene."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib import style

from img2height.errors import DataError
from img2height.io.atomic import atomic_path
from img2height.io.rasters import open_raster
from img2height.report.figures.drawing import STYLE
from img2height.report.figures.pictures import Picture, chart, photo
from img2height.report.figures.quality import drawn_heights, histogram, quality_panel
from img2height.report.templating import environment
from img2height.scenes.displacement import Displacement, measure
from img2height.scenes.quality import Quality
from img2height.scenes.scene import Scene

ORDER = ("stop", "look", "fine")


@dataclass(frozen=True)
class CheckedScene:
    """A scene on the page: its report, and its pictures."""

    name: str
    report: Quality
    pictures: list[Picture]

    @property
    def verdict(self) -> str:
        """The worst verdict of its checks."""
        found = {check["verdict"] for check in self.report["checks"]}
        return next(verdict for verdict in ORDER if verdict in found | {"fine"})

    @property
    def checks(self) -> list[dict[str, str]]:
        """Its checks, the worst first."""
        return sorted(self.report["checks"], key=lambda check: ORDER.index(check["verdict"]))


def write_quality(title: str, checked: Sequence[tuple[Scene, Quality]], out: Path) -> None:
    """Write the page; the same scenes give the same bytes.

    Args:
        title: of the dataset or experiment.
        checked: scenes and what was measured on them.
        out: the HTML file.
    """
    with tempfile.TemporaryDirectory() as folder, atomic_path(out) as page, style.context(STYLE):
        shown = [CheckedScene(report["scene"], report, _pictures(scene, Path(folder))) for scene, report in checked]
        text = environment().get_template("quality.html").render(title=title, scenes=shown, order=ORDER)
        page.write_text(text, encoding="utf-8")


def _pictures(scene: Scene, folder: Path) -> list[Picture]:
    name = f"{scene.dataset}/{scene.name}"
    drawn = [photo(quality_panel(scene, _field(scene)), folder / "panel.png", f"{name}.", "maps")]
    if {"ndsm", "dtm"} & scene.layers.keys() and (heights := drawn_heights(scene)).size:
        drawn.append(chart(histogram(heights), f"Heights of {name}; the count is logarithmic.", "histogram"))
    return drawn


def _field(scene: Scene) -> Displacement | None:
    """Return where the image lies relative to the heights; None if that cannot be measured."""
    if not {"eo", "ndsm"} <= scene.layers.keys():
        return None
    with open_raster(scene.path("eo")) as image, open_raster(scene.path("ndsm")) as heights:
        try:
            return measure("field", image, heights, scene.grid)
        except DataError:
            return None
