"""Draws a map of the folds: the area of each part over the image, in metres."""

from pathlib import Path

import geopandas
import matplotlib.pyplot as plt
import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from rasterio.enums import Resampling

from img2height.io.atomic import atomic_path
from img2height.io.rasters import open_raster
from img2height.scenes.scene import Scene
from img2height.tiles.areas import area_of
from img2height.vocabulary.parts import PART_TITLES, PARTS

COLOURS = {"train": "#0072B2", "val": "#F0E442", "test": "#D55E00"}  # Okabe and Ito, safe for colour blindness
HATCHES = {"train": "", "val": "//", "test": ""}
PANEL_INCHES = 2.6
LEAST_INCHES = 5.2  # the title must fit
MOST_PANELS = 30
THUMBNAIL_PX = 500


def draw_folds(
    scenes: list[Scene], tiles: geopandas.GeoDataFrame, areas: geopandas.GeoDataFrame, buffer_m: float, path: Path
) -> None:
    """Write a PNG with one panel per fold and scene; scenes that are the same in all folds are drawn once.

    Args:
        scenes: the scenes.
        tiles: the tiles of the folds, which are counted.
        areas: the areas of the parts in pixel coordinates.
        buffer_m: the buffer in metres, for the title.
        path: the PNG.
    """
    panels = _panels(scenes, areas)
    shown = panels[:MOST_PANELS]
    columns = min(len(shown), 5)
    rows = -(-len(shown) // columns)
    tallest = max(scene.grid.height / scene.grid.width for scene, _ in shown)
    panel = max(PANEL_INCHES, LEAST_INCHES / columns)
    size = columns * panel, rows * (panel * min(tallest, 2) + 0.4) + 0.7
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat[len(shown) :]:
        axis.axis("off")
    for axis, (scene, fold) in zip(axes.flat, shown, strict=False):
        _draw_panel(axis, scene, fold, tiles, areas)
    patches = [
        Patch(facecolor=COLOURS[p], edgecolor="black", hatch=HATCHES[p], alpha=0.7, label=PART_TITLES[p]) for p in PARTS
    ]
    figure.legend(handles=patches, loc="outside lower center", ncols=len(PARTS), frameon=False, fontsize=8)
    hidden = f"; {len(panels) - len(shown)} more not shown" if len(panels) > len(shown) else ""
    figure.suptitle(f"Areas of the folds, buffer {buffer_m:g} m; axes in metres{hidden}", fontsize=9)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=130, metadata={"Software": None})
    plt.close(figure)


def _panels(scenes: list[Scene], areas: geopandas.GeoDataFrame) -> list[tuple[Scene, int]]:
    """Return scene and fold of each panel: all folds of a split scene, the first one of a whole scene."""
    panels = []
    for scene in scenes:
        own = areas[(areas["dataset"] == scene.dataset) & (areas["scene"] == scene.name)]
        folds = sorted(own["fold"].unique().tolist())
        panels += [(scene, fold) for fold in (folds if own["part"].nunique() > 1 else folds[:1])]
    return panels


def _draw_panel(
    axis: Axes, scene: Scene, fold: int, tiles: geopandas.GeoDataFrame, areas: geopandas.GeoDataFrame
) -> None:
    grid = scene.grid
    width_m, height_m = grid.width * grid.gsd_m, grid.height * grid.gsd_m
    axis.imshow(
        _thumbnail(scene), extent=(0, width_m, height_m, 0), cmap="gray", vmin=0, vmax=1, interpolation="bilinear"
    )
    own = tiles[(tiles["fold"] == fold) & (tiles["dataset"] == scene.dataset) & (tiles["scene"] == scene.name)]
    counts = [f"{PART_TITLES[part]} {n}" for part in PARTS if (n := int((own["part"] == part).sum()))]
    for part in PARTS:
        area = shapely.affinity.scale(
            area_of(areas, part, scene.dataset, scene.name, fold), grid.gsd_m, grid.gsd_m, origin=(0, 0)
        )
        if not area.is_empty:
            shape = geopandas.GeoSeries([area])
            shape.plot(ax=axis, facecolor=COLOURS[part], alpha=0.45, hatch=HATCHES[part], aspect=None)
            shape.boundary.plot(ax=axis, color=COLOURS[part], linewidth=1, aspect=None)
    axis.set_title(f"{scene.dataset}/{scene.name}, fold {fold}\n{', '.join(counts)} tiles", fontsize=7)
    axis.set(xlabel="", ylabel="", xlim=(0, width_m), ylim=(height_m, 0))
    axis.tick_params(labelsize=6)
    axis.locator_params(nbins=4)


def _thumbnail(scene: Scene) -> np.ndarray:
    """Return a pale grey overview of the image, HxW from 0 to 1, with the darkest and brightest 2 % clipped."""
    with open_raster(scene.path(scene.picture)) as dataset:
        scale = max(1.0, max(dataset.shape) / THUMBNAIL_PX)
        shape = max(1, round(dataset.height / scale)), max(1, round(dataset.width / scale))
        grey = dataset.read(out_shape=(dataset.count, *shape), resampling=Resampling.average).mean(axis=0)
    low, high = np.quantile(grey, (0.02, 0.98))
    return 0.4 + 0.6 * np.clip((grey - low) / max(high - low, 1e-6), 0, 1)
