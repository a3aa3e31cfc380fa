"""Refuses known heights that cannot be what they were declared as: elevations, or feet that were called metres."""

from pathlib import Path

import numpy as np

from img2height.correction.features import GROUND, NAMES, Map
from img2height.correction.samples import Samples
from img2height.errors import DataError

LEAST = 20  # samples in all
LEVEL_M = 10.0  # elevations that differ by more from the map have another reference, as in the preparation of scenes
FOOT, NEAR = 0.3048, 0.07  # metres, and relative distance from it that counts as a ratio of feet
HIGH_M = 3.0  # from this height on a ratio says something
ALIKE = 0.9  # correlation from which on a ratio is that of units: a poor map may be too low by any factor


def check(samples: Samples, onto: Map, path: Path, *, buildings: bool) -> None:
    """Raise a DataError if there are too few samples, or if their heights cannot be meant as declared.

    Args:
        samples: known heights, and the map there.
        onto: the map.
        path: of the known heights, for messages.
        buildings: whether they are those of polygons, which are never on the ground.
    """
    count = len(samples.known_m)
    if count < LEAST:
        raise DataError(f"{path}: {count} known heights can be used, at least {LEAST} are needed; add some")
    if onto.above_ground:
        _require_above_ground(samples, path)
    else:
        _require_same_level(samples, onto, path)
    kinds = np.unique(samples.classes)
    if onto.above_ground and not buildings and len(kinds) == 1:
        where = "ground, where the map is at most 3 m high" if kinds[0] == GROUND else NAMES[int(kinds[0])]
        raise DataError(
            f"{path}: all {count} known heights lie on {where}; nothing is known about the rest of the map: add "
            "heights elsewhere, or give those of buildings as polygons"
        )


def _require_above_ground(samples: Samples, path: Path) -> None:
    """Raise a DataError if heights above ground are elevations, or in another unit."""
    low, middle, high = np.quantile(samples.known_m, [0.05, 0.5, 0.95])
    if low > LEVEL_M and high - low < low and middle > 2 * np.quantile(samples.height_m, 0.95):
        raise DataError(
            f"{path}: 9 of 10 known heights are between {low:.1f} and {high:.1f} m, where half of the map is below "
            f"{np.median(samples.height_m):.1f} m; they seem to be elevations: give --quantity elevation and --terrain"
        )
    tall = samples.height_m > HIGH_M
    if tall.sum() < LEAST or np.corrcoef(samples.height_m, samples.known_m)[0, 1] < ALIKE:
        return
    _require_same_unit(float(np.median(samples.known_m[tall] / samples.height_m[tall])), path)


def _require_same_level(samples: Samples, onto: Map, path: Path) -> None:
    """Raise a DataError if elevations do not lie at the level of the map."""
    apart = float(np.median(samples.known_m - samples.height_m))
    if abs(apart) <= LEVEL_M:
        return
    _require_same_unit(float(np.median(samples.known_m / samples.height_m)), path)
    raise DataError(
        f"{path}: known elevations differ from {onto.heights.name} by {apart:+.1f} m in the middle; check that both "
        "are elevations, and their vertical systems (--vertical, --map-vertical)"
    )


def _require_same_unit(ratio: float, path: Path) -> None:
    """Raise a DataError if the ratio of known heights to those of the map is that of feet to metres, or the reverse."""
    for wrong, found in ((1 / FOOT, "feet that were declared as metres"), (FOOT, "metres that were declared as feet")):
        if abs(ratio / wrong - 1) < NEAR:
            raise DataError(
                f"{path}: known heights are {ratio:.2f} times those of the map; they seem to be {found}: check --unit"
            )
