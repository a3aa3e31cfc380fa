"""Classes of heights and of building sizes, by which errors are listed."""

import math

TALL_M = 20.0
HEIGHTS_M = {  # above the first, up to the second
    "height_0_3": (-math.inf, 3.0),
    "height_3_10": (3.0, 10.0),
    "height_10_20": (10.0, TALL_M),
    "height_20_50": (TALL_M, 50.0),
    "height_50": (50.0, math.inf),
}
SIZES_M2 = {"building_0_100": 0.0, "building_100_500": 100.0, "building_500": 500.0}  # above this
