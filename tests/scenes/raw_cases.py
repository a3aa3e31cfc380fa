"""Delivered layers of 64 x 64 px at 1 m, made in code; each test spoils them in one way."""

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

from img2height.scenes.prepare import prepare_scene
from img2height.scenes.scene import Scene
from img2height.settings.dataset import SceneFile, TargetGrid

SIDE = 64
WEST, NORTH = 500_000.0, 5_800_000.0
ABOUT = {"title": "t", "source": "s", "licence": "l", "vertical_reference": "v"}
UTM = "EPSG:32633"


def write(
    path: Path, array: np.ndarray, *, crs=UTM, gsd=1.0, west=WEST, north=NORTH, nodata=None, unit=None, names=None
):
    """Write an array HxW or CxHxW as a GeoTIFF."""
    stack = array[None] if array.ndim == 2 else array
    transform = Affine(gsd, 0, west, 0, -gsd, north)
    profile = {"driver": "GTiff", "count": len(stack), "height": stack.shape[1], "width": stack.shape[2]}
    with rasterio.open(path, "w", **profile, dtype=stack.dtype, crs=crs, transform=transform, nodata=nodata) as out:
        out.write(stack)
        if unit:
            out.set_band_unit(1, unit)
        for index, name in enumerate(names or [], start=1):
            out.set_band_description(index, name)


def ramp(side: int = SIDE) -> np.ndarray:
    """Return heights that grow by 1 m per column and 0.1 m per row, float32."""
    rows, cols = np.mgrid[:side, :side]
    return (100 + cols + 0.1 * rows).astype(np.float32)


def deliver(raw: Path) -> dict:
    """Write eo, dsm, dtm and building and return the layers as a dataset file declares them."""
    raw.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    write(raw / "eo.tif", rng.integers(1, 255, (3, SIDE, SIDE), dtype=np.uint8), names=["Red", "Green", "Blue"])
    write(raw / "dsm.tif", ramp() + 5, unit="metre", nodata=-9999)
    write(raw / "dtm.tif", ramp(), unit="metre", nodata=-9999)
    write(raw / "building.tif", (ramp() > 130).astype(np.uint8))
    return {name: {"path": f"{name}.tif"} for name in ("eo", "dsm", "dtm", "building")}


def prepare(folder: Path, layers: dict, grid: dict | None = None) -> Scene:
    """Prepare the scene of these layers of `folder`/raw in `folder`/scenes/d/s."""
    return prepare_file(folder, {"layers": layers}, grid)


def prepare_file(folder: Path, file: dict, grid: dict | None = None) -> Scene:
    """Prepare the scene that a dataset file describes."""
    return prepare_scene(
        SceneFile.model_validate(file), dataset="d", name="s", raw=folder / "raw",
        grid=TargetGrid.model_validate(grid or {}), folder=folder / "scenes" / "d" / "s",
    )  # fmt: skip


def band(scene: Scene, layer: str) -> np.ndarray:
    """Return the first band of a layer, float64 with NaN where missing."""
    with rasterio.open(scene.path(layer)) as dataset:
        return dataset.read(1, masked=True).astype(float).filled(np.nan)
