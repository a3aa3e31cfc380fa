"""Computes strips of a prediction on one device."""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import groupby, islice
from typing import TypeVar

import numpy as np
from rasterio.windows import Window
from rich.console import Console
from rich.progress import track

from img2height.cpu import set_up_cpu
from img2height.inference.blend import Blend
from img2height.inference.inputs import InputWindow, ModelInputs, open_inputs
from img2height.inference.network import Network
from img2height.inference.plan import Plan, Task
from img2height.inference.windows import blending_weights
from img2height.io.areas import area_mask
from img2height.io.grid import BLOCK_PX
from img2height.io.rasters import bounded_cache

READ_AHEAD = 2  # batches

T = TypeVar("T")
Place = tuple[int, np.ndarray]  # row of windows, and the indexes of its windows


def compute_strips(task: Task, device: str, tops: Sequence[int], threads: int, *, progress: bool = False) -> None:
    """Write strips of a prediction; windows that overlap other strips are computed again there, with the same result.

    Args:
        task: the prediction.
        device: `auto`, or torch's name.
        tops: first row of each strip, ascending.
        threads: compute threads on a CPU.
        progress: show a progress bar on standard error.
    """
    set_up_cpu(threads)
    with bounded_cache(), open_inputs(task.model, task.scene, task.views) as images:
        plan = task.plan()
        network = task.network(device)
        for run in np.split(tops, np.flatnonzero(np.diff(tops) > BLOCK_PX) + 1):
            first, end = int(run[0]), min(int(run[-1]) + BLOCK_PX, task.scene.grid.height)
            with closing(_rows(plan, network, images, first, end, progress)) as rows:
                for top, pieces in groupby(rows, key=lambda piece: piece[0] // BLOCK_PX * BLOCK_PX):
                    if top >= first:  # rows above belong to windows that overlap other strips
                        plan.strips.save(top, (_cut(plan, *piece) for piece in pieces))


def _rows(
    plan: Plan, network: Network, images: ModelInputs, first: int, end: int, progress: bool
) -> Generator[tuple[int, np.ndarray], None, None]:
    """Yield first row and values of consecutive pieces, down to a row; see `Blend.finished`."""
    grid, strips = plan.grid, plan.strips
    places = [(y, x) for y, x in plan.places if grid.rows[y] < end and grid.rows[y] + grid.window_px > first]
    down, across = (blending_weights(origins, grid.window_px) for origins in (grid.rows, grid.columns))
    blend = Blend(min(first, int(grid.rows[places[0][0]])), strips.left, plan.reach, grid.window_px, len(strips.bands))
    steps = sum(-(-len(columns) // network.batch_size) for _, columns in places)
    # Closed even after an error: otherwise a raster is closed while it is read, which can kill the process.
    with closing(read_ahead(_batches(plan, images, places, network.batch_size), READ_AHEAD)) as batches:
        for y, windows in track(batches, "Predicting", steps, console=Console(stderr=True), disable=not progress):
            yield from blend.finished(int(grid.rows[y]))
            if not windows:
                continue
            predicted = network.predict([window for _, window in windows])
            for (x, window), values in zip(windows, predicted, strict=True):
                blend.add(int(grid.columns[x]), values, np.outer(down[y], across[x]), window.valid)
    yield from blend.finished(end)


def _batches(
    plan: Plan, images: ModelInputs, places: list[Place], batch_size: int
) -> Iterator[tuple[int, list[tuple[int, InputWindow]]]]:
    """Yield row and windows of each batch; windows without a valid pixel cost nothing."""
    size_px, columns = plan.grid.window_px, plan.grid.columns
    for y, chosen in places:
        top, left = int(plan.grid.rows[y]), int(columns[chosen[0]])
        rows = images.rows(Window(left, top, int(columns[chosen[-1]]) + size_px - left, size_px))
        for batch in np.split(chosen, range(batch_size, len(chosen), batch_size)):
            parts = [(int(x), rows.part(Window(int(columns[x]), top, size_px, size_px))) for x in batch]
            yield y, [(x, images.normalise(part)) for x, part in parts if part.valid.any()]
        del rows  # otherwise two rows of windows are in memory when the next is read


def _cut(plan: Plan, row: int, values: np.ndarray) -> np.ndarray:
    """Return the columns inside the raster, NaN outside the area, rows x bands x width."""
    values = values[:, :, : plan.strips.width]
    if plan.area is not None:
        inside = area_mask(plan.area, Window(plan.strips.left, row, values.shape[2], len(values)))
        np.copyto(values, np.nan, where=~inside[:, None])
    return values


def read_ahead(items: Iterator[T], depth: int) -> Generator[T, None, None]:
    """Yield the items of an iterator that runs in a thread of its own (prefetching).

    An error in it is raised where its item would have been. A consumer that stops early closes the iterator and waits
    for the item in progress.

    Args:
        items: must not be advanced by anyone else.
        depth: number of items it may be ahead.
    """

    def following() -> list[T]:
        return list(islice(items, 1))  # empty at the end

    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as pool:
        waiting = deque(pool.submit(following) for _ in range(depth))
        try:
            while found := waiting.popleft().result():
                waiting.append(pool.submit(following))
                yield found.pop()
        finally:
            pool.shutdown(cancel_futures=True)
