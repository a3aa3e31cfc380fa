"""The best and the worst tiles of a method, with their locations."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import shapely
from rasterio.windows import Window
from shapely.geometry import Point, box

from img2height.io.grid import Grid
from img2height.io.projections import GEOGRAPHIC, reproject
from img2height.io.tables import rows_of
from img2height.report.figures.crop import View, read_view
from img2height.report.figures.pictures import Picture, photo
from img2height.report.figures.strip import SIDE_PX, strip
from img2height.report.run import MethodFiles
from img2height.scenes.scene import Scene
from img2height.scoring.tiles import read_tiles
from img2height.vocabulary.tiles import BY_ROWS

EACH = 3
LEAST_SHARE = 0.25  # of a tile that was scored, to leave out slivers at a border
SMALL_SIDE_PX, MANY_METHODS = 96, 10


@dataclass(frozen=True)
class Extreme:
    """One of the best or worst tiles of a method.

    Attributes:
        scene: dataset and name.
        window: on the scene's grid.
        rmse_m: of the tile.
        worst: whether it is among the worst.
    """

    scene: tuple[str, str]
    window: Window
    rmse_m: float
    worst: bool


def tile_pictures(method: str, files: MethodFiles, folder: Path, methods: int) -> dict[str, list[Picture]]:
    """Return the `best` and the `worst` tiles of a method, and write them as PNG files.

    Args:
        method: its name.
        files: its predictions and tiles.
        folder: folder for `<method>_tile_best1.png` etc.
        methods: number of methods on the page.
    """
    pictures: dict[str, list[Picture]] = {"best": [], "worst": []}
    for item in extremes(read_tiles(files.tiles)):
        made, kind = files.of(*item.scene), "worst" if item.worst else "best"
        scene = made.scene
        figure = strip(scene, tile_view(scene, item.window, methods), made.heights)
        caption = (
            f"{method}, RMSE {item.rmse_m:.2f} m, {'/'.join(item.scene)}, column {item.window.col_off}, row "
            f"{item.window.row_off}; centre at {place(scene.grid, item.window)}."
        )
        path = folder / f"{method}_tile_{kind}{len(pictures[kind]) + 1}.png"
        pictures[kind].append(photo(figure, path, caption, f"one of the {kind} tiles"))
    return pictures


def extremes(tiles: pandas.DataFrame) -> list[Extreme]:
    """Return the three best and the three worst tiles by RMSE, best first; fewer if there are fewer than six.

    Tiles less than a quarter of which was scored are left out unless there are no others.

    Args:
        tiles: tiles.parquet of one method and seed.
    """
    tiles = tiles[(tiles.stratum == "all") & (tiles.pixels > 0)]
    whole = tiles[tiles.pixels >= LEAST_SHARE * tiles.size_px**2]
    tiles = tiles if whole.empty else whole
    tiles = tiles.assign(rmse_m=np.sqrt(tiles.square_sum_m2 / tiles.pixels))
    tiles = tiles.sort_values(["rmse_m", *BY_ROWS])
    worst = tiles.tail(min(EACH, len(tiles) // 2))
    best = tiles.head(min(EACH, len(tiles) - len(worst)))
    return [_extreme(row, last) for part, last in ((best, False), (worst, True)) for row in rows_of(part)]


def _extreme(row: dict[str, Any], worst: bool) -> Extreme:
    window = Window(row["col_off"], row["row_off"], row["size_px"], row["size_px"])
    return Extreme((row["dataset"], row["scene"]), window, row["rmse_m"], worst)


def place(grid: Grid, window: Window) -> str:
    """Return the centre of a window as text: map coordinates and CRS, then latitude and longitude.

    Args:
        grid: of the scene.
        window: on the grid.
    """
    centre = grid.to_map(Point(window.col_off + window.width / 2, window.row_off + window.height / 2))
    degrees = reproject(centre, grid.crs, GEOGRAPHIC, grid.place)
    (x, y), (longitude, latitude) = (shapely.get_coordinates(point)[0].tolist() for point in (centre, degrees))
    north, east = ("N" if latitude >= 0 else "S"), ("E" if longitude >= 0 else "W")
    return f"x {x:.1f}, y {y:.1f} ({grid.crs.to_string()}); {abs(latitude):.5f}° {north}, {abs(longitude):.5f}° {east}"


def tile_view(scene: Scene, window: Window, methods: int) -> View:
    """Return the view of a tile, smaller if there are many methods on the page.

    Args:
        scene: of the tile.
        window: on its grid; cut at the edge of the scene.
        methods: number of methods on the page.
    """
    grid = scene.grid
    window = window.intersection(Window(0, 0, grid.width, grid.height))
    area = box(window.col_off, window.row_off, window.col_off + window.width, window.row_off + window.height)
    return read_view(scene, area, window, SIDE_PX if methods <= MANY_METHODS else SMALL_SIDE_PX)
