"""Computes the strips of one prediction on several devices, with one process each."""

from collections.abc import Iterator, Sequence
from multiprocessing.queues import SimpleQueue

import torch.multiprocessing
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException, spawn

from img2height.errors import Img2HeightError, ModelError
from img2height.inference.compute import compute_strips
from img2height.inference.plan import Task
from img2height.inference.strips import Strips

POLL_S = 0.5


def compute_on(
    devices: Sequence[str], task: Task, strips: Strips, parts: Sequence[Sequence[int]], threads: int
) -> Iterator[int]:
    """Yield the strips as they are finished. The first error ends all processes; finished strips are kept.

    Args:
        devices: torch's names.
        task: the prediction.
        strips: the destination of the result.
        parts: first rows of the strips of each device.
        threads: compute threads of each process on a CPU.

    Raises:
        Img2HeightError: the error of a failed process.
        ModelError: a process was killed.
    """
    waiting = [top for part in parts for top in part]
    errors = torch.multiprocessing.get_context("spawn").SimpleQueue()
    arguments = (task, devices, parts, threads, errors)
    processes = spawn(_work, arguments, len(parts), join=False, daemon=True)
    try:
        while waiting:
            ended = processes.join(POLL_S)
            finished = [top for top in waiting if strips.path(top).is_file()]
            waiting = [top for top in waiting if top not in finished]
            yield from finished
            if ended and not finished:
                break
    except ProcessRaisedException as error:
        if errors.empty():
            raise
        raise errors.get() from error
    except ProcessExitedException as error:
        raise ModelError(
            f"the process of {devices[error.error_index]} was killed ({error}); give it more memory or use fewer "
            "devices, and run the same command again to resume"
        ) from error


def _work(
    rank: int,
    task: Task,
    devices: Sequence[str],
    parts: list[list[int]],
    threads: int,
    errors: SimpleQueue[Img2HeightError],
) -> None:
    try:
        compute_strips(task, devices[rank], parts[rank], threads)
    except Img2HeightError as error:
        errors.put(type(error)(f"{devices[rank]}: {error}"))
        raise
