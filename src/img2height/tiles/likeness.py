"""Finds tiles that show the same image, even if brightened, re-encoded, shifted by a pixel, rotated or mirrored.

The search compares spectra, which are invariant to shifts and (averaged over the eight symmetries) to rotations; its
candidates are verified on the images. Both use detail only, so that meadows, water and smooth gradients do not match.
"""

from collections.abc import Iterator

import numpy as np
import pandas
from rasterio.windows import Window
from scipy import fft
from scipy.ndimage import fourier_shift, gaussian_filter

from img2height.io.pixels import read_pixels
from img2height.io.rasters import open_raster
from img2height.io.tables import by_columns
from img2height.scenes.scene import Scene

SIDE_PX = 64  # images are compared at this size at most
SMOOTH = 1 / 16  # of the side: slower variations are brightness, not detail
REACH = 1 / 16  # of the side: the largest shift that is tried
WAVES = 16  # across the side: shorter wavelengths do not survive re-encoding
FAINT = 0.1  # of the strongest ring of a spectrum: rings well below it are noise and count less
PIECES = 4  # along each side of an image
FEW = 0.25  # of the pieces may be less similar
# Measured on four aerial and satellite images: copies at least 0.6, distinct tiles (a row of arches) at most 0.52.
LIKE_SPECTRA, LIKE_IMAGES = 0.7, 0.6
LEAST_DETAIL_PX = 24  # pixels that carry the detail; with fewer, two tiles can be alike by chance
LEAST_SHARE = 1e-4  # of the detail: a piece with less is empty
LEAST_CONTRAST = 1e-6  # of the brightness: less is rounding
CHUNK = 1024


def tile_details(scenes: list[Scene], tiles: pandas.DataFrame) -> np.ndarray:
    """Return the detail of each tile's image, N x S x S float32 of norm 1; all 0 if there is too little of it.

    Args:
        scenes: the scenes; the bands of the display layer are averaged.
        tiles: dataset, scene, col_off, row_off, size_px of each tile.
    """
    side = min(SIDE_PX, int(tiles["size_px"].min()))
    details = np.zeros((len(tiles), side, side), np.float32)
    numbered = tiles.assign(number=np.arange(len(tiles)))
    for scene in scenes:
        own = numbered[(numbered["dataset"] == scene.dataset) & (numbered["scene"] == scene.name)]
        with open_raster(scene.path(scene.picture)) as dataset:
            for (row, size), strip in by_columns(own, ["row_off", "size_px"]):
                window = Window(0, row, dataset.width, size)
                values, valid = read_pixels(dataset, dataset.indexes, window)
                grey = values.mean(axis=0, dtype=np.float32)  # size x W
                shrink = _averages(size, side)
                for col, number in zip(strip["col_off"], strip["number"], strict=True):
                    part = np.s_[:, col : col + size]
                    details[number] = _detail(grey[part], valid[part], shrink)
    return details


def _averages(size: int, side: int) -> np.ndarray:
    """Return the matrix, side x size, that averages pixels over `side` equal pieces of an axis."""
    edges = np.arange(side + 1) * size / side
    pixels = np.arange(size)
    shared = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return (shared.clip(min=0) * side / size).astype(np.float32)


def _detail(grey: np.ndarray, valid: np.ndarray, shrink: np.ndarray) -> np.ndarray:
    weight = shrink @ valid.astype(np.float32) @ shrink.T  # S x S, valid share
    image = shrink @ np.where(valid, grey, np.float32(0)) @ shrink.T
    width = len(shrink) * SMOOTH
    level = gaussian_filter(image, width) / np.maximum(gaussian_filter(weight, width), 1e-6)
    detail = image - weight * level
    detail -= detail.mean()
    power = detail.astype(np.float64) ** 2
    if power.mean() <= (LEAST_CONTRAST * np.abs(image).max()) ** 2:
        return np.zeros_like(detail)
    carriers = power.sum() ** 2 / (power**2).sum()
    return detail / np.sqrt(power.sum()) if carriers >= LEAST_DETAIL_PX else np.zeros_like(detail)


def find_copies(details: np.ndarray, parts: np.ndarray) -> list[tuple[int, int]]:
    """Return the pairs of tiles that show the same image and are in different parts of a fold.

    Args:
        details: of each tile, see `tile_details`.
        parts: N x F int, number of the part of each tile in each fold, -1 for none.
    """
    return [
        (first, second)
        for first, second in _candidates(_spectra(details), parts)
        if likeness(details[first], details[second]) >= LIKE_IMAGES
    ]


def _spectra(details: np.ndarray) -> np.ndarray:
    """Return the spectrum of each image, which is invariant to shifts, rotations and mirrors, flattened, of norm 1."""
    side = details.shape[-1]
    half = min(WAVES, side // 2 - 1)
    taper = np.hanning(side + 2)[1:-1].astype(np.float32)
    window, waves = taper[:, None] * taper, np.r_[0 : half + 1, -half:0]
    ring = np.hypot(waves[:, None], waves).round().astype(int)
    octant = np.triu_indices(half + 1)
    chunks = []
    for start in range(0, len(details), CHUNK):
        power = np.abs(fft.fft2(details[start : start + CHUNK] * window))[:, waves][:, :, waves]
        mirrored = power + np.roll(power[:, ::-1], 1, axis=1)
        even = mirrored + mirrored.transpose(0, 2, 1)  # N x K x K, the same for all eight symmetries
        level = np.stack([even[:, ring == r].mean(axis=1) for r in range(ring.max() + 1)], axis=1)  # N x R
        loud = level + FAINT * level.max(axis=1, keepdims=True)
        flat = (even - level[:, ring])[:, *octant] / np.maximum(loud[:, ring[octant]], 1e-12)
        chunks.append(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12))
    return np.concatenate(chunks)


def _candidates(spectra: np.ndarray, parts: np.ndarray) -> Iterator[tuple[int, int]]:
    for start in range(0, len(spectra), CHUNK):
        alike = spectra[start : start + CHUNK] @ spectra[start:].T >= LIKE_SPECTRA
        first, second = np.nonzero(np.triu(alike, 1))
        a, b = parts[first + start], parts[second + start]  # C x F
        apart = ((a != b) & (a >= 0) & (b >= 0)).any(axis=1)
        yield from zip((first[apart] + start).tolist(), (second[apart] + start).tolist(), strict=True)


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Return the similarity of two details under the best rotation, mirror and small shift, -1 to 1.

    It is the correlation that most pieces of the image reach, because a row of equal houses is only part of an image.
    """
    side = first.shape[-1]
    turned = fft.rfft2(np.stack([np.rot90(image, turn) for image in (second, second.T) for turn in range(4)]))
    reach = round(2 * side * REACH)
    near = np.r_[0 : reach + 1, -reach:0]  # half pixels
    correlation = fft.irfft2(fft.rfft2(first) * turned.conj(), s=(2 * side, 2 * side))[:, near][:, :, near]
    turn, row, col = np.unravel_index(correlation.argmax(), correlation.shape)
    moved = fft.irfft2(fourier_shift(turned[turn], (near[row] / 2, near[col] / 2), n=side), s=first.shape)
    return _of_most_pieces(first, moved)


def _of_most_pieces(first: np.ndarray, second: np.ndarray) -> float:
    size = len(first) // PIECES * PIECES
    both = np.stack([first, second])[:, :size, :size].reshape(2, PIECES, size // PIECES, PIECES, -1)
    squares = (both**2).sum(axis=(2, 4))  # 2 x P x P
    full = squares.sum(axis=0) > squares.sum() * LEAST_SHARE
    shared = both.prod(axis=0).sum(axis=(1, 3))[full]
    return (
        float(np.quantile(shared / np.maximum(np.sqrt(squares.prod(axis=0))[full], 1e-12), FEW)) if full.any() else 0.0
    )
