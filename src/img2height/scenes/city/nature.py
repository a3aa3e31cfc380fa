"""Small and numerous objects, drawn pixel by pixel onto the canvas: tree crowns and cars."""

import numpy as np

from img2height.scenes.city.canvas import Canvas
from img2height.scenes.city.geometry import Frame
from img2height.scenes.city.model import Material
from img2height.scenes.city.terrain import smooth_noise

CAR_M = (4.4, 1.8, 1.45)  # length, width, height
BARE = (Material.ASPHALT, Material.WATER)  # no trunks here


def grow_trees(canvas: Canvas, trees: np.ndarray, rng: np.random.Generator) -> None:
    """Draw crowns: flattened spheres with a bumpy surface, down to a third of the height; houses stay uncovered.

    Args:
        canvas: changed in place.
        trees: x, y, crown radius and height in metres, Nx4.
        rng: draws the bumps.
    """
    bumps = smooth_noise(canvas.height.shape, max(1.6 / canvas.gsd_m, 1.0), rng)
    rows, cols = canvas.height.shape
    for x, y, radius, height in trees[np.argsort(trees[:, 3], kind="stable")]:
        row, col = int(y // canvas.gsd_m), int(x // canvas.gsd_m)
        if not (0 <= row < rows and 0 <= col < cols):
            continue
        if canvas.building[row, col] or canvas.material[row, col] in BARE:
            continue
        reach = int(np.ceil(radius / canvas.gsd_m)) + 1
        window = tuple(slice(max(i - reach, 0), min(i + reach + 1, n)) for i, n in ((row, rows), (col, cols)))
        yy, xx = np.ogrid[window]
        away = np.hypot((xx + 0.5) * canvas.gsd_m - x, (yy + 0.5) * canvas.gsd_m - y) / radius
        dome = np.sqrt(np.clip(1 - away**2, 0, 1)) * (1 + 0.16 * bumps[window])
        top = np.clip(height * (0.35 + 0.65 * dome), 0, 1.1 * height).astype(np.float32)
        covered = (away < 1 + 0.12 * bumps[window]) & (top > canvas.height[window]) & (canvas.building[window] == 0)
        canvas.height[window][covered] = top[covered]
        canvas.material[window][covered] = Material.CROWN
        canvas.instance[window][covered] = canvas.next_instance()


def stand_cars(canvas: Canvas, cars: np.ndarray, rng: np.random.Generator) -> None:
    """Draw cars on free ground.

    Args:
        canvas: changed in place.
        cars: x, y and unit vector of the heading, Nx4.
        rng: draws their sizes.
    """
    length, width, height = CAR_M
    for x, y, ux, uy in cars:
        frame = Frame(x, y, ux, uy)
        half = 0.5 * length * rng.uniform(0.85, 1.15)
        spots = canvas.pixels(frame.rectangle(-half, half, -width / 2, width / 2))
        if spots[0].size == 0 or canvas.height[spots].max() > 0:
            continue
        u = frame.local(*canvas.centres(spots))[0]
        canvas.height[spots] = np.where((u > -0.75 * half) & (u < 0.4 * half), height, 0.65 * height)
        canvas.material[spots] = Material.CAR
        canvas.instance[spots] = canvas.next_instance()
