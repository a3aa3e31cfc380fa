"""Tiny point clouds, written by laspy."""

from pathlib import Path

import laspy
import numpy as np
from pyproj import CRS

UTM = "EPSG:32633+7837"  # heights in metres, DHHN2016
WEST, NORTH = 500_000.0, 5_800_000.0


def write_cloud(path: Path, points, *, crs: str | None = UTM, version: str = "1.4", **flags: object) -> Path:
    """Write points: rows of column, row (pixels of 1 m from WEST, NORTH), height and class."""
    columns, rows, heights, classes = np.array(points, np.float64).reshape(-1, 4).T
    header = laspy.LasHeader(point_format=6 if version == "1.4" else 1, version=version)
    x, y = WEST + columns, NORTH - rows
    header.scales, header.offsets = (
        np.full(3, 0.001),
        np.array([*np.floor([x.min(initial=1e9), y.min(initial=1e9)]), 0.0]),
    )
    if crs:
        header.add_crs(CRS.from_user_input(crs), keep_compatibility=False)
    cloud = laspy.LasData(header)
    cloud.x, cloud.y, cloud.z = x, y, heights
    cloud.classification = classes.astype(np.uint8)
    for name, values in flags.items():
        setattr(cloud, name, np.array(values, np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    cloud.write(path)
    return path


def terrain_points(side: int, seed: int = 0, per_pixel: int = 2) -> np.ndarray:
    """Return ground points on a plane that rises by 0.1 m per metre to the east, with a house of 6 m on it."""
    rng = np.random.default_rng(seed)
    place = rng.uniform(0.01, side - 0.01, (per_pixel * side * side, 2))
    heights, classes = 100 + 0.1 * place[:, 0], np.full(len(place), 2)
    house = (np.abs(place - side / 2) < side / 8).all(axis=1)
    return np.column_stack([place, np.where(house, heights + 6, heights), np.where(house, 6, classes)])
