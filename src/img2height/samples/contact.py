"""A contact sheet: the first training samples as the network will see them, for a person to look at."""

from pathlib import Path

import numpy as np
import pandas
from matplotlib.figure import Figure

from img2height.files import atomic_path
from img2height.samples.augment import transform
from img2height.samples.dataset import TileReader

COLUMNS, ROWS = 6, 4


def draw_contact_sheet(samples: pandas.DataFrame, reader: TileReader, path: Path) -> None:
    """Write a PNG of image and height of the first samples, on one height scale in metres."""
    shown = samples.head(COLUMNS * ROWS).to_dict("records")
    tiles = [reader.read(row) for row in shown]
    top_m = max(1.0, float(np.nanquantile(np.stack([tile.heights_m for tile in tiles]), 0.995)))
    figure = Figure(figsize=(2 * COLUMNS * 1.4, ROWS * 1.5), layout="compressed")
    axes = figure.subplots(ROWS, 2 * COLUMNS, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for row, tile, image_axis, height_axis in zip(shown, tiles, axes.flat[::2], axes.flat[1::2], strict=False):
        layer = next(iter(tile.images))
        image_axis.imshow(_picture(transform(tile.images[layer], row["transform"])))
        image_axis.set_title(f"{row['n']}: {row['scene']}", fontsize=7)
        drawn = height_axis.imshow(transform(tile.heights_m, row["transform"]), vmin=0, vmax=top_m, cmap="cividis")
    figure.colorbar(drawn, ax=axes, label="reference height (m)", shrink=0.6)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=90, metadata={"Software": None})


def _picture(image: np.ndarray) -> np.ndarray:
    """Return H x W x 3 (or x 1) in [0, 1], stretched between its 1st and 99th percentile."""
    shown = image[:3] if len(image) >= 3 else image[:1]  # C x H x W
    low, high = np.quantile(shown, [0.01, 0.99])
    return np.clip((shown.transpose(1, 2, 0) - low) / max(high - low, 1e-6), 0, 1)
