"""Time of the scores of building polygons: L-shaped houses in all directions against displaced, ragged copies of them.

Prints the CPU seconds of each function. Outlines of pixels have far more vertices than simplified ones: `--vertices`.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import shapely

from img2height.metrics import (
    boundary_iou,
    complexity_iou,
    detection_scores,
    hausdorff,
    match,
    overlaps,
    polis,
    segmentation_errors,
    tangent_angle,
)

L_SHAPE = np.array([(0, 0), (12, 0), (12, 5), (6, 5), (6, 9), (0, 9)], dtype=float)
SPACING_M = 20.0


def town(count: int, rng: np.random.Generator, vertices: int, displaced_m: float) -> np.ndarray:
    """Return houses on a square grid; each corner and each further vertex is displaced at random.

    Args:
        count: of the houses.
        rng: of the displacements; the directions of the houses are those of a fixed seed.
        vertices: per wall.
        displaced_m: largest displacement.
    """
    shares = np.arange(vertices)[:, None] / vertices
    walls = [start + shares * (end - start) for start, end in zip(L_SHAPE, np.roll(L_SHAPE, -1, axis=0), strict=True)]
    turn = np.random.default_rng(0).uniform(0, 2 * np.pi, count)
    turns = np.moveaxis(np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]), -1, 0)
    places = SPACING_M * np.stack(np.divmod(np.arange(count), int(np.sqrt(count))), axis=1)
    outlines = np.einsum("nij,vj->nvi", turns, np.concatenate(walls)) + places[:, None]
    outlines += rng.uniform(-displaced_m, displaced_m, outlines.shape)
    return np.asarray(shapely.polygons(outlines))


def timed(name: str, function: Callable[[], object]) -> object:
    """Return the result of a function, and print its CPU time."""
    start = time.process_time()
    result = function()
    print(f"| {name} | {time.process_time() - start:.1f} |", flush=True)
    return result


def main() -> None:
    """Print a table of CPU seconds."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--count", type=int, default=20_000, help="houses on each side")
    flags.add_argument("--vertices", type=int, default=1, help="vertices per wall")
    args = flags.parse_args()
    reference = town(args.count, np.random.default_rng(1), args.vertices, 0.0)
    predicted = town(args.count, np.random.default_rng(2), args.vertices, 0.5 if args.vertices == 1 else 0.1)
    predicted = predicted[shapely.is_valid(predicted)]
    pairs = overlaps(predicted, reference)
    timed("`overlaps`", lambda: overlaps(predicted, reference))
    timed("`detection_scores`, 10 thresholds", lambda: detection_scores(pairs))
    timed("`segmentation_errors`", lambda: segmentation_errors(pairs))
    matches = match(pairs)
    ours, theirs = predicted[matches.predicted], reference[matches.reference]
    for measure in (complexity_iou, polis, hausdorff, tangent_angle):
        timed(f"`{measure.__name__}`", lambda measure=measure: measure(ours, theirs))
    timed("`boundary_iou`", lambda: boundary_iou(ours, theirs, 2.0))
    print(f"{len(predicted)} against {len(reference)} buildings, {len(ours)} matches")


if __name__ == "__main__":
    main()
