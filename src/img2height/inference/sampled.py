"""Windows of a part of a fold, evenly spaced: a sample of the inputs that a model meets there."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from img2height.inference.inputs import InputWindow, open_inputs
from img2height.models.folder import LoadedModel
from img2height.scenes.pairs import views_together
from img2height.scenes.scene import Scene
from img2height.scoring.errors import tiles_in

Item = TypeVar("Item")


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """Return at most so many items, evenly spaced in their order."""
    if len(items) <= most:
        return list(items)
    return [items[place] for place in np.linspace(0, len(items) - 1, most).round().astype(int)]


def sampled_windows(
    model: LoadedModel, scene: Scene, area: BaseGeometry, part: str, side_px: int, most: int
) -> Iterator[tuple[Window, InputWindow]]:
    """Yield windows that share pixels with an area, with their normalised inputs.

    Args:
        model: the model.
        scene: a prepared scene.
        area: polygon in pixel coordinates; an empty one has no windows.
        part: of the area, which decides the views.
        side_px: of the windows; those at the end of the scene are clipped, their inputs are not.
        most: number of windows.
    """
    if area.is_empty:
        return
    numbers = views_together(scene, part, model.recipe)[0]
    with open_inputs(model, scene, numbers) as images:
        for window in spread(tiles_in(area, scene.grid, side_px), most):
            yield window, images.read(window.row_off, window.col_off, side_px)
