"""Footprints by tile and outcome."""

from numba import njit


@njit(cache=True, nogil=True)
def count(predicted, reference, inside, tile_px, building, ground, counts):
    """Add the pixels of a block to the counts of their tiles.

    Args:
        predicted: HxW uint8.
        reference: HxW uint8.
        inside: HxW bool, pixels to count.
        tile_px: side of the tiles, which are numbered row by row.
        building: the value that stands for a building.
        ground: the value that stands for none.
        counts: T x 5 int64: true positives, false positives, false negatives, true negatives, not predicted; changed.
    """
    height, width = predicted.shape
    across = (width + tile_px - 1) // tile_px
    for row in range(height):
        for left in range(0, width, tile_px):
            tp = fp = fn = tn = known = 0
            for column in range(left, min(left + tile_px, width)):
                there, none = reference[row, column] == building, reference[row, column] == ground
                hit, miss = predicted[row, column] == building, predicted[row, column] == ground
                here = inside[row, column]
                tp += here & there & hit
                fp += here & none & hit
                fn += here & there & miss
                tn += here & none & miss
                known += here & (there | none)
            tile = row // tile_px * across + left // tile_px
            counts[tile, 0] += tp
            counts[tile, 1] += fp
            counts[tile, 2] += fn
            counts[tile, 3] += tn
            counts[tile, 4] += known - tp - fp - fn - tn
