"""A contact sheet: the first training samples as the network sees them, for visual inspection."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from img2height.colours import HEIGHT_COLOURS
from img2height.io.atomic import atomic_path
from img2height.io.tables import rows_of
from img2height.picture import anaglyph, composites, draw_look, limits_m, relief
from img2height.samples.augment import transform
from img2height.samples.reader import Tile, TileReader
from img2height.scenes.scene import Scene
from img2height.settings.symmetries import turned_look
from img2height.vocabulary.layers import INITIAL, PRESENT, RADAR, VIEWS
from img2height.vocabulary.quantities import ABOVE_GROUND

PANELS_ACROSS, ROWS, MOST_ACROSS = 12, 4, 6
SIZE = 7
# Fixed places: fitting the layout to titles and ticks takes longer than everything else.
MARGINS = {"left": 0.01, "right": 0.99, "bottom": 0.01, "top": 0.93, "wspace": 0.08, "hspace": 0.2}
NO_TICKS: dict[str, list[float]] = {"xticks": [], "yticks": []}
MISSING_COLOUR = "#c8c8c8"


@dataclass(frozen=True)
class Sample:
    """A training sample as drawn, after its symmetry.

    Attributes:
        row: of the sample table.
        scene: its scene.
        tile: its pixels.
        filled: HxW bool, where the initial surface model was filled.
        offset_m: the zero of the heights: 0, or the mean of the patch for heights above a datum.
    """

    row: Mapping[str, Any]
    scene: Scene
    tile: Tile
    filled: np.ndarray
    offset_m: float

    @property
    def reference_m(self) -> np.ndarray:
        """The heights to learn, HxW float32, NaN where the loss ignores them."""
        return np.where(self.tile.learnable, self.tile.heights_m - self.offset_m, np.nan)

    @property
    def initial_m(self) -> np.ndarray:
        """The initial surface model, HxW float32, NaN where missing."""
        return np.where(self.tile.valids[INITIAL], self.tile.images[INITIAL][0] - self.offset_m, np.nan)


def draw_contact_sheet(samples: pandas.DataFrame, reader: TileReader, path: Path) -> None:
    """Write the contact sheet of a training as PNG; arguments as in `contact_sheet`."""
    figure = contact_sheet(samples, reader)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=90, metadata={"Software": None})


def contact_sheet(samples: pandas.DataFrame, reader: TileReader) -> Figure:
    """Return a figure of all inputs and the reference of the first samples, on one height scale in metres.

    Heights above a datum are relative to the mean of the patch; pixels that the loss ignores are grey.

    Args:
        samples: sample table, in the order of the training.
        reader: reads the inputs and the target of the method.
    """
    first = _sample(rows_of(samples.head(1))[0], reader)
    count = len(_images(first, reader)) + (INITIAL in reader.inputs) + 1
    across = max(1, min(MOST_ACROSS, PANELS_ACROSS // count))
    shown = [_sample(row, reader) for row in rows_of(samples.head(across * ROWS))]
    limits = _limits(shown, reader.target)
    figure = Figure(figsize=(across * count * 1.4, ROWS * 1.6))
    axes = figure.subplots(ROWS, across * count, squeeze=False, subplot_kw=NO_TICKS, gridspec_kw=MARGINS)
    for axis in axes.flat:
        axis.set_axis_off()
    for sample, panels in zip(shown, axes.reshape(-1, count), strict=False):
        _draw(sample, reader, list(panels), limits)
    scale = ScalarMappable(Normalize(*limits), HEIGHT_COLOURS)
    above_ground = reader.target in ABOVE_GROUND
    label = "reference height (m)" if above_ground else "height above the mean of the patch (m)"
    bar = figure.colorbar(scale, ax=axes, shrink=0.6, fraction=0.04, pad=0.01, extend="max" if above_ground else "both")
    bar.set_label(label)
    return figure


def _sample(row: Mapping[str, Any], reader: TileReader) -> Sample:
    tile, scene, symmetry = reader.read(row), reader.scenes[row["dataset"], row["scene"]], row["transform"]
    filled = np.zeros(tile.heights_m.shape, bool)
    if INITIAL in reader.inputs and "dsm_filled" in scene.layers:
        filled = reader.mask(row, "dsm_filled") == PRESENT
    heights = tile.initial_m if INITIAL in reader.inputs else tile.heights_m[tile.learnable]
    offset_m = 0.0 if reader.target in ABOVE_GROUND or not heights.size else float(heights.mean(dtype=np.float64))
    lacking = {layer: bands for layer, bands in reader.inputs.items() if layer not in tile.images}
    blank = np.zeros(tile.heights_m.shape, np.uint8)
    given = {**tile.images, **{layer: np.stack([blank] * len(bands)) for layer, bands in lacking.items()}}
    there = {**tile.valids, **dict.fromkeys(lacking, blank.astype(bool))}
    images, valids = ({k: transform(v, symmetry) for k, v in part.items()} for part in (given, there))
    turned = replace(tile, images=images, valids=valids, heights_m=transform(tile.heights_m, symmetry))
    return Sample(row, scene, turned, transform(filled, symmetry), offset_m)


def _limits(shown: list[Sample], target: str) -> tuple[float, float]:
    """Return the ends of the height scale in metres; heights above ground start at 0."""
    low, high = limits_m(np.stack([sample.reference_m for sample in shown]))
    return (0.0, max(1.0, high)) if target in ABOVE_GROUND else (low, max(low + 1.0, high))


def _draw(sample: Sample, reader: TileReader, panels: list[Axes], limits: tuple[float, float]) -> None:
    gsd_m = sample.scene.grid.gsd_m
    titled = _images(sample, reader)
    if INITIAL in reader.inputs:
        title = "initial DSM" + (", filled orange" if sample.filled.any() else "")
        titled[title] = relief(sample.initial_m, limits, gsd_m, sample.filled)
    colours = colormaps[HEIGHT_COLOURS].with_extremes(bad=MISSING_COLOUR)
    titled["reference"] = colours(Normalize(*limits)(np.ma.masked_invalid(sample.reference_m)))
    for axis, (title, picture) in zip(panels, titled.items(), strict=True):
        axis.imshow(picture)
        axis.set_title(title, fontsize=SIZE - 1, pad=2)
        radar = sample.scene.layers.get(RADAR) if title.startswith(RADAR) else None
        look = radar.look_azimuth_deg if radar else None
        if look is not None:
            draw_look(axis, turned_look(sample.row["transform"], look), SIZE)
    panels[0].set_title(f"{sample.row['n']}: {sample.scene.name}\n{panels[0].get_title()}", fontsize=SIZE - 1, pad=2)


def _images(sample: Sample, reader: TileReader) -> dict[str, np.ndarray]:
    """Return the pictures of the image layers of a sample by title."""
    titled = {}
    for layer, bands in reader.inputs.items():
        if layer == INITIAL:
            continue
        image, valid = sample.tile.images[layer], sample.tile.valids[layer]
        if layer == VIEWS:
            views = " + ".join(str(sample.row[name]) for name in bands)
            pair = f"pair {sample.row['pair']}: " if "pair" in sample.row else ""
            grey = composites(["pan"], image[:1], valid)["grey"]
            titled[f"{pair}view{'s' * (len(bands) - 1)} {views}"] = (
                anaglyph(image[0], image[1], valid) if len(bands) == 2 else grey
            )
        else:
            titled |= {f"{layer}: {name}": picture for name, picture in composites(bands, image, valid).items()}
    return titled
